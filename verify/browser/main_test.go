package browser

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/verify/programs"
)

var built = programs.Of("cmd/tidewire")

func TestMain(m *testing.M) { goleak.VerifyTestMain(built.Main(m)) }

package backend_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
)

var servers emulators.Shared

func TestMain(m *testing.M) {
	// A goroutine that the SDK starts for the process and never ends.
	goleak.VerifyTestMain(servers.Main(m), goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

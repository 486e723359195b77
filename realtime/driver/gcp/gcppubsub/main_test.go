package gcppubsub_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
)

// servers are the emulators that the tests of this package share. A test that stops one has its own.
var servers emulators.Shared

func TestMain(m *testing.M) {
	// Two goroutines that the SDK starts for the process and never ends.
	goleak.VerifyTestMain(servers.Main(m), goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

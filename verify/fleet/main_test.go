package fleet

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/verify/programs"
)

// patience is how long a test waits for what has to come: much longer than a hub does, which
// may follow a topic anew twice before it answers, and than a backoff, on a machine that has much else to do.
const patience = 3 * time.Minute

var (
	built = programs.Of("services/api", "services/gateway", "verify/fleet/function", "cmd/tidewire")
	// servers are the emulators, which all fleets of the tests share: each has a project of its own.
	servers emulators.Shared
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(servers.Main(built.Main(m)),
		// Started at import by a dependency of the Pub/Sub client, for as long as the process lives.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// await asks again and again until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	if err := waited(so); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func waited(so func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(end) {
			return fmt.Errorf("is not so after %s", patience)
		}
	}
	return nil
}

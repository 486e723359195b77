package acceptance

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/verify/programs"
)

// patience is how long a test waits for what has to come.
const patience = time.Minute

// servers are the emulators that the tests of this package share.
var servers emulators.Shared

var built = programs.Of("cmd/tidewire")

func TestMain(m *testing.M) {
	switch os.Getenv(childRole) {
	case roleAttacker:
		attackHere(context.Background())
		return
	case roleNoise:
		noiseHere(context.Background())
		return
	}
	// The SDKs of Google start one goroutine for the process and never end it.
	goleak.VerifyTestMain(servers.Main(built.Main(m)), goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// await asks again and again until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// affordable is how many sockets this process can open, of those wanted, if each takes so many
// file descriptors. The Go runtime has raised the limit as far as it may be.
func affordable(t *testing.T, wanted, each int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const others = 500 // files of everything else
	if most := (int(min(limit.Cur, 1<<30)) - others) / each; most < wanted {
		t.Logf("only %d of %d sockets: this process may open %d files", most, wanted, limit.Cur)
		return most
	}
	return wanted
}

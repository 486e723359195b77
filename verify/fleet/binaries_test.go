package fleet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// binaries are built at their first use, once for all tests, as a user builds them and without the race
// detector.
type binaries struct {
	mu     sync.Mutex // guards what follows
	folder string
	done   map[string]bool
}

// path returns the binary of a package of this module.
func (b *binaries) path(t *testing.T, name string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.folder == "" {
		var err error
		if b.folder, err = os.MkdirTemp("", "tidewire-fleet-"); err != nil {
			t.Fatal(err)
		}
		b.done = map[string]bool{}
	}
	binary := filepath.Join(b.folder, strings.ReplaceAll(name, "/", "-"))
	if !b.done[name] {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/tidewire/tidewire/"+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", name, err, out)
		}
		b.done[name] = true
	}
	return binary
}

// main returns what runs the tests and then removes the binaries.
func (b *binaries) main(m *testing.M) interface{ Run() int } { return withBinaries{m, b} }

type withBinaries struct {
	tests *testing.M
	all   *binaries
}

func (w withBinaries) Run() int {
	defer func() { _ = os.RemoveAll(w.all.folder) }() // a temporary folder
	return w.tests.Run()
}

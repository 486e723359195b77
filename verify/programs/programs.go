// Package programs builds the programs of this repository that tests start as processes: all of a test binary by one command, at
// the first use of any, as a user builds them and without the race detector.
package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

const module = "github.com/tidewire/tidewire/"

// Set is some programs. It is safe for concurrent use.
type Set struct {
	packages []string // from the root of the repository

	mu     sync.Mutex // guards what follows
	folder string     // where they are; empty before the first use
	failed error      // of building them
}

// Of returns the programs of packages, which are named from the root of the repository, such as services/api. The last element of
// a name is that of the binary.
func Of(packages ...string) *Set { return &Set{packages: packages} }

// Path returns the binary of one of the packages, built by then. The test fails if it cannot be built.
func (s *Set) Path(t testing.TB, name string) string {
	t.Helper()
	if !slices.Contains(s.packages, name) {
		t.Fatalf("%s is none of the programs of these tests: %q", name, s.packages)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == "" && s.failed == nil {
		s.folder, s.failed = os.MkdirTemp("", "tidewire-programs-")
		if s.failed == nil {
			s.failed = s.build()
		}
	}
	if s.failed != nil {
		t.Fatal(s.failed)
	}
	return filepath.Join(s.folder, path.Base(name))
}

func (s *Set) build() error {
	args := []string{"build", "-o", s.folder + string(filepath.Separator)}
	for _, name := range s.packages {
		args = append(args, module+name)
	}
	// It serves all tests, so it does not end with the context of the first.
	out, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput() //nolint:gosec // our own names
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Tests is what runs the tests of a binary: a *testing.M.
type Tests interface{ Run() int }

// Main returns what runs the tests and then removes the binaries. It suits goleak.VerifyTestMain.
func (s *Set) Main(m Tests) Tests { return main{m, s} }

type main struct {
	tests Tests
	set   *Set
}

func (m main) Run() int {
	defer m.set.remove()
	return m.tests.Run()
}

// remove removes what was built, if any was.
func (s *Set) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = os.RemoveAll(s.folder) // a temporary folder
}

package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// finder is somebody who looks for faults in a tree: it says what it found.
type finder struct {
	name string
	find func(ctx context.Context, root string) ([]string, error)
}

func by(finders ...finder) []finder { return finders }

// rule is our own check, by one of its rules: what the HCL has wrong by itself, or else the first deployment in which something is found.
func rule(r Rule) finder {
	of := func(all []Problem) (said []string) {
		for _, p := range all {
			if p.Rule == r {
				said = append(said, p.String())
			}
		}
		return said
	}
	return finder{"check: " + string(r), func(_ context.Context, root string) ([]string, error) {
		t, err := Read(root)
		if err != nil {
			return nil, err
		}
		said := of(append(t.Problems(), t.Stale()...))
		for _, dir := range []string{".", "bootstrap"} { // examples are made of the same
			for _, name := range sortedKeys(deployments[dir]) {
				if len(said) == 0 {
					said = of(t.judged(dir, name))
				}
			}
		}
		return said, nil
	}}
}

// contract is one of those between HCL and program.
func contract(name string) finder {
	return finder{"contract: " + name, func(_ context.Context, root string) ([]string, error) {
		d, err := deploy(root)
		if err != nil {
			return nil, err
		}
		var all problems
		contracts[name](d, &all)
		var said []string
		for _, p := range all {
			said = append(said, p.String())
		}
		return said, nil
	}}
}

// What Terraform itself finds without a provider.
var (
	fmts  = command("fmt", ".", "fmt", "-check", "-diff", "-recursive")
	get   = command("get", ".", "get")
	tests = finder{"terraform test", func(ctx context.Context, root string) ([]string, error) {
		dir := filepath.Join(root, "modules/plan")
		if _, err := Command(ctx, dir, "init", "-backend=false", "-input=false"); err != nil {
			return nil, err
		}
		return refused(ctx, dir, "test")
	}}
)

func command(name, dir string, args ...string) finder {
	return finder{"terraform " + name, func(ctx context.Context, root string) ([]string, error) {
		return refused(ctx, filepath.Join(root, dir), args...)
	}}
}

// refused is what a command says that fails.
func refused(ctx context.Context, dir string, args ...string) ([]string, error) {
	_, err := Command(ctx, dir, args...)
	if err == nil || errors.Is(err, ErrMissing) {
		return nil, err
	}
	return []string{err.Error()}, nil
}

// The check is worth what it finds: each fault is seeded into a copy of the tree, and has to be found by whom it says.
func TestSeededFaults(t *testing.T) {
	t.Parallel()
	all := append(append([]fault{}, published...), own...)
	var caught atomic.Int32
	t.Run("each", func(t *testing.T) {
		for _, f := range all {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				root := seeded(t, f)
				for n, who := range f.by {
					said, err := who.find(t.Context(), root)
					need(t, err)
					if len(said) == 0 || n == 0 && !strings.Contains(strings.Join(said, "\n"), f.says) {
						t.Errorf("%s has not found it; it says %q", who.name, said)
						return
					}
					t.Logf("%s: %.200s", who.name, said[0])
				}
				caught.Add(1)
			})
		}
	})
	t.Logf("seeded faults: %d of %d caught", caught.Load(), len(all))
	if len(published) != 29 {
		t.Errorf("%d faults are those that were published, which are 29", len(published))
	}
}

// seeded is a copy of the tree with a fault.
func seeded(t *testing.T, f fault) string {
	t.Helper()
	folder := t.TempDir()
	root := filepath.Join(folder, "terraform")
	if err := Copy(tree, root); err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(docs, filepath.Join(folder, "docs")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, filepath.FromSlash(f.file))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := f.apply(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func (f fault) apply(text string) (string, error) {
	if f.old == "" {
		return text + "\n" + f.seeded, nil
	}
	if !strings.Contains(text, f.old) {
		return "", fmt.Errorf("%s does not hold %q: the fault cannot be seeded any more", f.file, f.old)
	}
	return strings.Replace(text, f.old, f.seeded, 1), nil
}

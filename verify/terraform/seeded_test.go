package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// finder is somebody who looks for faults in a tree, of which file is the one with the fault: it says what it found.
type finder struct {
	name string
	find func(ctx context.Context, tree, file string) ([]string, error)
}

// root is the one that a file is part of. Examples are made of the same as the root.
func root(file string) string {
	if strings.HasPrefix(file, "bootstrap/") {
		return "bootstrap"
	}
	return "."
}

// source are our rules for the HCL as it is written.
func source(r Rule) finder {
	return finder{"source: " + string(r), func(_ context.Context, tree, _ string) ([]string, error) {
		t, err := Read(tree)
		if err != nil {
			return nil, err
		}
		return says(r, append(t.Problems(), t.Stale()...)), nil
	}}
}

// policy is one of our rules for what a deployment does.
func policy(r Rule) finder {
	return finder{"policy: " + string(r), func(ctx context.Context, tree, file string) ([]string, error) {
		d := deploy(ctx, tree)
		for _, of := range [][2]string{{root(file), "all there is"}, {"bootstrap", "all there is"}, {root(file), "the least"}} {
			plan, err := d.planned(of[0], of[1])
			if err != nil {
				return nil, err
			}
			if said := says(r, Policy(plan, exempt)); len(said) > 0 {
				return said, nil
			}
		}
		return nil, nil
	}}
}

// contract is one of those between HCL and program.
func contract(name string) finder {
	return finder{"contract: " + name, func(ctx context.Context, tree, _ string) ([]string, error) {
		d := deploy(ctx, tree)
		var all problems
		contracts[name](d, &all)
		return says("", all), d.fault()
	}}
}

// says are the problems of a rule, or of all.
func says(r Rule, all []Problem) (said []string) {
	for _, p := range all {
		if r == "" || p.Rule == r {
			said = append(said, p.String())
		}
	}
	return said
}

// What Terraform finds: on the stub, when it formats, and by the tests of a module without providers.
var (
	refused = finder{"terraform plan", func(ctx context.Context, tree, file string) ([]string, error) {
		d := deploy(ctx, tree)
		_, err := d.planned(root(file), "all there is")
		if err == nil {
			_, err = d.planned(root(file), "the least")
		}
		return complaint(err)
	}}
	fmts = finder{"terraform fmt", func(ctx context.Context, tree, _ string) ([]string, error) {
		_, err := Command(ctx, tree, "fmt", "-check", "-diff", "-recursive")
		return complaint(err)
	}}
	tests = finder{"terraform test", func(ctx context.Context, tree, _ string) ([]string, error) {
		dir := filepath.Join(tree, "modules/plan")
		if _, err := Command(ctx, dir, "init", "-backend=false", "-input=false"); err != nil {
			return nil, err
		}
		_, err := Command(ctx, dir, "test")
		return complaint(err)
	}}
)

// complaint is what a command said that has failed.
func complaint(err error) ([]string, error) {
	if err == nil || errors.Is(err, ErrMissing) {
		return nil, err
	}
	return []string{err.Error()}, nil
}

// The check is worth what it finds: each fault is seeded into a copy of the tree, and has to be found by whom it says. It takes some minutes,
// and is run by make tf-audit, after a change of the check.
func TestSeededFaults(t *testing.T) {
	t.Parallel()
	if os.Getenv("TIDEWIRE_AUDIT") == "" {
		t.Skip("make tf-audit runs it")
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			said, err := f.by.find(t.Context(), seeded(t, f), f.file)
			need(t, err)
			// Terraform breaks its lines.
			if text := strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(said, "\n"), "│", "")), " "); len(said) == 0 || !strings.Contains(text, f.says) {
				t.Fatalf("%s has not found it; it says %q", f.by.name, said)
			}
			t.Logf("%s: %.300s", f.by.name, said[0])
		})
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

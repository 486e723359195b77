package react

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/tidewire/tidewire/verify/npm"
)

// The hooks do in a real React what their README says. Their tests import the clients by their places, and React by its name.
func TestHooks(t *testing.T) {
	t.Parallel()
	modules, err := npm.Modules(t.Context(), "packages", "tidewire-react")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, client := range []string{"js", "react"} {
		if err := os.CopyFS(filepath.Join(folder, client), os.DirFS(filepath.Join("../../clients", client))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=tap", "test/react.test.mjs")
	cmd.Dir = filepath.Join(folder, "react")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?m)^# pass [1-9]\d*$`).Match(out) || !regexp.MustCompile(`(?m)^# (skipped|todo|cancelled) 0$`).Match(out) {
		t.Errorf("no test has run:\n%s", out)
	}
}

// What is tested is what the package says that it was made with.
func TestVersions(t *testing.T) {
	t.Parallel()
	said, pinned := read(t, "../../clients/react/package.json").DevDependencies, read(t, "packages/package.json").Dependencies
	for _, name := range []string{"react", "react-test-renderer"} {
		if said[name] == "" || said[name] != pinned[name] {
			t.Errorf("%s: clients/react/package.json says %q, packages/package.json %q", name, said[name], pinned[name])
		}
	}
}

type described struct{ DevDependencies, Dependencies map[string]string }

func read(t *testing.T, path string) (d described) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

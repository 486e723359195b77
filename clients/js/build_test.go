package js_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unavailable is the exit code with which .ci/js says that it has no bundler.
const unavailable = 69

// The shipped files are what the sources build: nobody has changed one of them alone.
func TestShippedFilesAreTheBuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "../../.ci/js", dir).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == unavailable && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED that tidewire.js is built from src: the bundler cannot be had: %s", out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"tidewire.js", "tidewire.min.js", "tidewire.min.js.map", "tidewire.cjs", "../react/tidewire-react.js", "../react/tidewire-react.cjs"} {
		shipped, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Where the map's sources are depends on where it is written.
		built := readFile(t, filepath.Join(dir, filepath.Base(name)))
		if rel, err := filepath.Rel(dir, absolute(t, "src")); err == nil && strings.HasSuffix(name, ".map") {
			built = bytes.ReplaceAll(built, []byte(`"`+filepath.ToSlash(rel)+`/`), []byte(`"src/`))
		}
		if !bytes.Equal(shipped, built) {
			t.Errorf("clients/js/%s is not what src/ builds: run make js", name)
		}
	}
}

// README.md says how large the client is.
func TestSizes(t *testing.T) {
	t.Parallel()
	readme := string(readFile(t, "README.md"))
	for _, name := range []string{"tidewire.js", "tidewire.min.js", "tidewire.cjs"} {
		n := len(readFile(t, name))
		if want := fmt.Sprintf("| `%s` | %d,%03d |", name, n/1000, n%1000); !strings.Contains(readme, want) {
			t.Errorf("clients/js/README.md must say %s", want)
		}
	}
}

// Each module says in its first line what its one job is, and no module imports one that imports it.
func TestModules(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"src", "../react/src"} {
		testModules(t, folder)
	}
}

func testModules(t *testing.T, folder string) {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*.js")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	imported := regexp.MustCompile(`(?m)^(?:import|export) .* from "\./(.*)";$`)
	imports := map[string][]string{}
	for _, path := range paths {
		text := readFile(t, path)
		if !bytes.HasPrefix(text, []byte("// ")) {
			t.Errorf("%s: the first line must be a comment that says its job", path)
		}
		for _, m := range imported.FindAllSubmatch(text, -1) {
			imports[filepath.Base(path)] = append(imports[filepath.Base(path)], string(m[1]))
		}
	}
	var visit func(module string, above []string)
	visit = func(module string, above []string) {
		if slices.Contains(above, module) {
			t.Fatalf("modules import each other: %s, %s", strings.Join(above, ", "), module)
		}
		for _, next := range imports[module] {
			visit(next, append(slices.Clone(above), module))
		}
	}
	for module := range imports {
		visit(module, nil)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// What is required of CommonJS programs has the same types as what others import.
func TestTypesOfCommonJS(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tidewire.d", "../react/tidewire-react.d"} {
		if !bytes.Equal(readFile(t, name+".ts"), readFile(t, name+".cts")) {
			t.Errorf("clients/js/%s.cts must be a copy of %[1]s.ts: run make js", name)
		}
	}
}

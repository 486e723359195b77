package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// listed stands in for go: it says which packages it is to test.
const listed = `go() {
  case $1 in
  list) command go "$@" ;;
  test) for argument; do case $argument in ./*|github.com/*) echo "$argument" ;; esac; done ;;
  esac
}
`

// Every package is tested by make test or by make whole, and CI makes both.
func TestEveryPackageIsTested(t *testing.T) {
	t.Parallel()
	recipes := command(t, "make", "--no-print-directory", "-n", "go-test", "other-test", "tf-check", "page-test", "whole-go-test", "whole-other-test", "tf-apply", "browser-test")
	said := command(t, "bash", "-c", listed+strings.ReplaceAll(recipes, "./.ci/meanwhile ", ""))
	tested := strings.Fields(command(t, "go", append([]string{"list"}, strings.Fields(said)...)...))
	for _, p := range strings.Fields(command(t, "go", "list", "./...", "./verify/...")) {
		if !slices.Contains(tested, p) {
			t.Errorf("nothing tests %s", p)
		}
	}
	run, err := os.ReadFile(filepath.Join(root, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\nmake test\n", "\nmake whole\n"} {
		if !strings.Contains(string(run), line) {
			t.Errorf(".ci/run has no line %q", strings.TrimSpace(line))
		}
	}
}

// What make test leaves out by its name is there, where make whole looks for it.
func TestLongTestsAreThere(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	variable := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + ` := (.+)$`).FindSubmatch(makefile)
		if m == nil {
			t.Fatalf("the Makefile has no variable %s", name)
		}
		return string(m[1])
	}
	there := ""
	for _, folder := range strings.Fields(variable("LONG_IN")) {
		files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			there += string(text)
		}
	}
	for name := range strings.SplitSeq(variable("LONG"), "|") {
		if !strings.Contains(there, "func "+name+"(t *testing.T)") {
			t.Errorf("there is no %s", name)
		}
	}
}

// command returns what a command writes, run at the top of the repository.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

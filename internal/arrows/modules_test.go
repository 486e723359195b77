package arrows

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// forTests are modules that only tests need, and those who write a driver of their own: its suites are in realtime/realtimetest.
var forTests = []string{"github.com/google/go-cmp", "go.uber.org/goleak"}

// goList runs go list in the top folder of the repository, in the module that is there alone or in the workspace.
func goList(t *testing.T, workspace bool, args ...string) []string {
	t.Helper()
	watch(t)
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	if cmd.Env = os.Environ(); !workspace {
		cmd.Env = append(cmd.Env, "GOWORK=off")
	}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// What go.mod requires is what the framework and its binaries are built of. What only a test needs stands in the graph of everybody who imports the
// framework, too, and so belongs into the module verify, with the test.
func TestRequirementsAreBuiltOf(t *testing.T) {
	t.Parallel()
	built := goList(t, false, "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./...")
	for _, required := range goList(t, false, "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all") {
		if required != "" && !slices.Contains(built, required) && !slices.Contains(forTests, required) {
			t.Errorf("go.mod requires %s, of which nothing but tests is built", required)
		}
	}
}

// The module verify requires no other version of anything that the framework is built of: otherwise what is tested in the workspace
// is not what who imports the framework builds.
func TestWorkspaceChangesNoVersion(t *testing.T) {
	t.Parallel()
	list := []string{"-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./..."}
	alone, together := goList(t, false, list...), goList(t, true, list...)
	for _, module := range together {
		if !slices.Contains(alone, module) {
			t.Errorf("the workspace builds the framework with %s, and the framework requires another version: go get it in the top folder", module)
		}
	}
}

// The program that the README begins with is built of four modules of others: this is what a gateway in a program of one's own costs.
func TestTheSmallestIsBuiltOfFew(t *testing.T) {
	t.Parallel()
	modules := map[string]bool{}
	for _, path := range goList(t, false, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./examples/smallest") {
		if path != "" {
			modules[path] = true
		}
	}
	if len(modules) == 0 || len(modules) > 4 {
		t.Errorf("examples/smallest is built of %d modules of others: %v", len(modules), modules)
	}
}

// A service links the drivers that it uses: the dashboard serves files and reads documents of tenants, and no topic.
func TestTheDashboardIsBuiltWithoutABroker(t *testing.T) {
	t.Parallel()
	for _, path := range goList(t, false, "-deps", "./services/dashboard") {
		if path == "cloud.google.com/go/pubsub/v2" || path == module+"/realtime/hub" || path == module+"/realtime/publish" {
			t.Errorf("services/dashboard is built of %s", path)
		}
	}
}

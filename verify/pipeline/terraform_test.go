package pipeline

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/verify/terraform"
)

// The buckets, the repository and the accounts that a build takes for granted are those that Terraform plans.
func TestNamesAreThoseOfThePlan(t *testing.T) {
	t.Parallel()
	outputs, err := terraform.Outputs(t.Context(), filepath.Join(root, "terraform", "modules", "plan"), map[string]any{"project": "my-project", "number": "1", "region": "europe-west1"})
	if errors.Is(err, terraform.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	planned := map[string]map[string]string{}
	for _, name := range []string{"buckets", "repositories", "builders"} {
		into := map[string]string{}
		if err := json.Unmarshal(outputs[name], &into); err != nil {
			t.Fatalf("output %s: %v", name, err)
		}
		planned[name] = into
	}
	given := map[string]string{}
	for _, variable := range substitutions(t, "false") {
		name, value, _ := strings.Cut(variable, "=")
		given[name] = value
	}
	for name, want := range map[string]string{
		"_STATE_BUCKET": planned["buckets"]["state"], "_FUNCTIONS_BUCKET": planned["buckets"]["functions"],
		"_REPOSITORY": planned["repositories"]["images"], "_ACCOUNT": planned["builders"]["check"],
	} {
		if want == "" || given[name] != want {
			t.Errorf("%s is %q, planned is %q", name, given[name], want)
		}
	}
}

// The triggers give what cloudbuild.yaml asks for, and nothing else.
func TestTriggersGiveWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	hcl := source(t, "terraform", "bootstrap", "triggers.tf")
	var given []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(_[A-Z_]+)\s+=`).FindAllStringSubmatch(hcl, -1) {
		given = append(given, m[1])
	}
	slices.Sort(given)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(build(t).GetSubstitutions())), given); diff != "" {
		t.Errorf("substitutions (-cloudbuild.yaml +triggers):\n%s", diff)
	}
	if !strings.Contains(hcl, `filename        = "cloudbuild.yaml"`) {
		t.Error("the triggers run another file")
	}
}

// What a release says are variables of the root.
func TestReleaseIsWhatTheRootTakes(t *testing.T) {
	t.Parallel()
	script, hcl := source(t, ".ci", "cloudbuild"), source(t, "terraform", "variables.tf")
	_, body, _ := strings.Cut(script, "\nrelease() {")
	body, _, _ = strings.Cut(body, "\n}\n")
	names := regexp.MustCompile(`"([a-z]+)": [{"]`).FindAllStringSubmatch(body, -1)
	for _, m := range names {
		if m[1] != "bucket" && m[1] != "object" && !strings.Contains(hcl, `variable "`+m[1]+`" {`) {
			t.Errorf("the root has no variable %s", m[1])
		}
	}
	if len(names) < 5 {
		t.Errorf("only %v was found", names)
	}
}

// source is a file of the repository.
func source(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

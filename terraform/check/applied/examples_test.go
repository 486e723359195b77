package applied

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every example is one that Terraform takes and plans.
func TestExamples(t *testing.T) {
	t.Parallel()
	given := map[string]map[string]any{
		"minimal": nil, "pooled": nil,
		"with-vpc":          {"network": "projects/net/global/networks/shared", "subnetwork": "projects/net/regions/europe-west1/subnetworks/live"},
		"existing-accounts": {"accounts": map[string]any{"gateway": "live-gateway@given.iam.gserviceaccount.com"}},
		"production": {
			"domain": "example.com", "kms_key": "projects/keys/locations/europe-west1/keyRings/live/cryptoKeys/live", "emails": []any{"ops@example.com"}, "billing_account": "012345-ABCDEF-012345",
		},
	}
	folders, err := os.ReadDir(filepath.Join("..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		more, known := given[folder.Name()]
		if !known {
			t.Errorf("nobody has said what the example %s is given", folder.Name())
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			variables := map[string]any{"project": "my-project", "region": "europe-west1", "images": images("1"), "functions": map[string]any{"bucket": "archives", "object": strings.Repeat("a", 64) + ".zip"}}
			maps.Copy(variables, more)
			r := open(t, filepath.Join("examples", folder.Name()), variables)
			r.give(t, nil)
			if out := r.must(t, "plan", "-refresh=false"); strings.Contains(out, "Warning: Check block assertion failed") {
				t.Errorf("it meets a wall:\n%s", out)
			}
		})
	}
	if len(folders) < 5 {
		t.Errorf("there are %d examples", len(folders))
	}
}

// before makes the state that the root had before modules/tidewire was there, and before Firestore's fields were made one after the other.
func (r *root) before(t *testing.T) {
	t.Helper()
	name := filepath.Join(r.dir, "terraform.tfstate")
	text, err := os.ReadFile(name) //nolint:gosec // our own copy
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	var resources []any
	var fields map[string]any
	for _, entry := range state["resources"].([]any) { //nolint:forcetypeassert // Terraform's own form
		resource := entry.(map[string]any) //nolint:forcetypeassert // likewise
		module, _ := resource["module"].(string)
		module = strings.TrimPrefix(strings.TrimPrefix(module, "module.tidewire"), ".")
		if resource["type"] == "google_firestore_field" {
			module = "module.firestore"
			if fields != nil {
				fields["instances"] = slices.Concat(fields["instances"].([]any), resource["instances"].([]any)) //nolint:forcetypeassert // likewise
				continue
			}
			fields = resource
		}
		resource["module"] = module
		if module == "" {
			delete(resource, "module")
		}
		resources = append(resources, resource)
	}
	state["resources"] = resources
	if text, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

package applied

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Examples that are shaped otherwise than the root can be planned while what Google computes is not known yet. (What every example plans,
// package check judges.)
func TestExamples(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]map[string]any{
		"with-vpc":          {"network": "projects/net/global/networks/shared", "subnetwork": "projects/net/regions/europe-west1/subnetworks/live"},
		"existing-accounts": {"accounts": map[string]any{"gateway": "live-gateway@given.iam.gserviceaccount.com"}},
		"production": {
			"domain": "example.com", "kms_key": "projects/keys/locations/europe-west1/keyRings/live/cryptoKeys/live", "emails": []any{"ops@example.com"}, "billing_account": "012345-ABCDEF-012345",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variables := map[string]any{"project": "my-project", "region": "europe-west1", "images": images("1"), "functions": map[string]any{"bucket": "archives", "object": strings.Repeat("a", 64) + ".zip"}}
			maps.Copy(variables, more)
			r := open(t, filepath.Join("examples", name), variables)
			r.give(t, nil)
			r.must(t, "plan", "-refresh=false")
		})
	}
}

// before makes the state that the root had before modules/tidewire was there, and before Firestore's fields were made one after the other.
func (r *root) before(t *testing.T) {
	t.Helper()
	name := filepath.Join(r.Dir, "terraform.tfstate")
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
		if r.isNewer(t, resource) {
			resources = append(resources, resource)
			continue
		}
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

// isNewer reports whether a resource was never where resources were before modules/tidewire: no moved block names it.
func (r *root) isNewer(t *testing.T, resource map[string]any) bool {
	t.Helper()
	module, _ := resource["module"].(string)
	kind, name := resource["type"], resource["name"]
	switch {
	case resource["mode"] != "managed":
		return false
	case kind == "google_firestore_field":
		moved, err := os.ReadFile(filepath.Join(r.Dir, "modules", "firestore", "moved.tf"))
		if err != nil {
			t.Fatal(err)
		}
		key := resource["instances"].([]any)[0].(map[string]any)["index_key"] //nolint:forcetypeassert // Terraform's own form
		return !strings.Contains(string(moved), fmt.Sprintf("from = google_firestore_field.this[%q]", key))
	case module == "module.tidewire":
		moved, err := os.ReadFile(filepath.Join(r.Dir, "moved.tf"))
		if err != nil {
			t.Fatal(err)
		}
		return !strings.Contains(string(moved), fmt.Sprintf("from = %s.%s\n", kind, name))
	}
	return false
}

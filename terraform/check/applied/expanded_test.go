package applied

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/tidewire/tidewire/terraform/check"
)

// The check judges and compares what it evaluates by itself. That is what Terraform plans: the same resources, and
// the same value of whatever the check takes for known.
func TestTheCheckSeesWhatTerraformPlans(t *testing.T) {
	t.Parallel()
	tree, err := check.Read(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for dir, variables := range map[string]map[string]any{
		".": {
			"project": "my-project", "region": "europe-west1", "images": images("1"), "functions": map[string]any{"bucket": "archives", "object": strings.Repeat("a", 64) + ".zip"},
			"tenants": map[string]any{"acme": map[string]any{}, "small": map[string]any{"placement": "pooled"}}, "shards": 2,
			"demo": true, "probe_tenant": "acme", "hook_url": "https://hooks.example.com/lost", "vpc_egress": map[string]any{},
			"domains": map[string]any{"gateway": "live.example.com", "ingest": "in.example.com"},
		},
		"bootstrap": {
			"project": "my-project", "region": "europe-west1", "edge": true,
			"repository": "projects/my-project/locations/europe-west1/connections/c/repositories/r",
		},
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			r := open(t, dir, variables)
			planned := r.planned(t)
			instances, problems := tree.Expand(dir, check.Given{Inputs: variables, Said: map[string]string{"data.google_project.this.number": "123456789012", "module.tidewire.data.google_project.this.number": "123456789012"}})
			for _, p := range problems {
				t.Error(p)
			}
			var seen []string
			compared := 0
			for _, i := range instances {
				if i.Kind != "resource" {
					continue
				}
				seen = append(seen, i.Address)
				compared += compare(t, i.Address, i.Values, planned[i.Address])
			}
			slices.Sort(seen)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(planned)), seen); diff != "" {
				t.Errorf("resources (-Terraform +check):\n%s", diff)
			}
			t.Logf("%s: %d resources, %d values", dir, len(seen), compared)
		})
	}
}

// planned is what a plan sets of each resource that it makes.
func (r *root) planned(t *testing.T) map[string]any {
	t.Helper()
	r.plan(t, nil)
	var plan struct {
		Changes []struct {
			Address string `json:"address"`
			Mode    string `json:"mode"`
			Change  struct {
				After any `json:"after"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(r.must(t, "show", "-json", "planned")), &plan); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for _, c := range plan.Changes {
		if c.Mode == "managed" {
			all[c.Address] = c.Change.After
		}
	}
	return all
}

// compare compares what is known of a value with what was planned, and returns of how many single values that was. What only the
// provider says is a text that names it in angle brackets, and what the plan does not know yet is null there.
func compare(t *testing.T, at string, ours cty.Value, theirs any) int {
	t.Helper()
	if !ours.IsKnown() || ours.IsNull() || theirs == nil {
		return 0
	}
	count := 0
	switch kind := ours.Type(); {
	case kind.IsObjectType() || kind.IsMapType():
		of, ok := theirs.(map[string]any)
		if !ok {
			t.Errorf("%s: the plan has %v", at, theirs)
			return 0
		}
		for it := ours.ElementIterator(); it.Next(); {
			key, value := it.Element()
			count += compare(t, at+"."+key.AsString(), value, of[key.AsString()])
		}
	case ours.CanIterateElements():
		of, ok := theirs.([]any)
		if !ok || len(of) != ours.LengthInt() {
			t.Errorf("%s: the plan has %v, and the check %#v", at, theirs, ours)
			return 0
		}
		// Elements of a set have no order; those of a list are mostly in the same one.
		for n, value := range ours.AsValueSlice() {
			like := of[n]
			if at := slices.IndexFunc(of, func(other any) bool { return alike(value, other) }); at >= 0 {
				like = of[at]
			}
			count += compare(t, fmt.Sprintf("%s[%d]", at, n), value, like)
		}
	default:
		if mine := plain(ours); !strings.Contains(mine, "<") && mine != fmt.Sprint(theirs) {
			t.Errorf("%s: the plan has %v, and the check %s", at, theirs, mine)
		}
		return 1
	}
	return count
}

// alike says whether two elements have the same of what tells those of a set apart.
func alike(ours cty.Value, theirs any) bool {
	of, ok := theirs.(map[string]any)
	if !ok {
		return ours.Type().IsPrimitiveType() && ours.IsKnown() && !ours.IsNull() && plain(ours) == fmt.Sprint(theirs)
	}
	for _, name := range []string{"name", "priority", "path_matcher"} {
		if !ours.IsKnown() || !ours.Type().IsObjectType() || !ours.Type().HasAttribute(name) {
			continue
		}
		if value := ours.GetAttr(name); value.IsKnown() && !value.IsNull() {
			return plain(value) == fmt.Sprint(of[name])
		}
	}
	return false
}

// plain is a single value as fmt writes what encoding/json reads.
func plain(value cty.Value) string {
	switch value.Type() {
	case cty.String:
		return value.AsString()
	case cty.Bool:
		return fmt.Sprint(value.True())
	case cty.Number:
		n, _ := value.AsBigFloat().Float64()
		return fmt.Sprint(n)
	}
	return value.GoString()
}

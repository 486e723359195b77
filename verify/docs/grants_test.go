package docs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/verify/terraform"
)

// role is a custom role of the plan.
type role struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Permissions []string `json:"permissions"`
}

// planned is what Terraform plans of a deployment that has everything there is.
type planned struct {
	grants   map[string]terraform.Grant
	accounts map[string]string
	roles    map[string]role
	public   []string
	services map[string]map[string]string
}

func plan(t *testing.T) planned {
	t.Helper()
	outputs, err := terraform.Outputs(t.Context(), filepath.Join(root, "terraform", "modules", "plan"), map[string]any{
		"project": "my-project", "number": "1", "region": "europe-west1", "demo": true, "probe_tenant": "probe", "hook_url": "https://hook.example.com",
		"crawler": map[string]any{"hosts": []any{"docs.example.com"}}, "filter": map[string]any{"rules": `{"tenant":"acme","rules":[{"channel":"all:x"}]}`},
	})
	if errors.Is(err, terraform.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var p planned
	for name, into := range map[string]any{"grants": &p.grants, "accounts": &p.accounts, "roles": &p.roles, "public": &p.public, "programs": &p.services} {
		if err := json.Unmarshal(outputs[name], into); err != nil {
			t.Fatalf("output %s: %v", name, err)
		}
	}
	return p
}

// docs/security.md says of each identity what the plan grants it, and nothing else.
func TestGrantsAreDocumented(t *testing.T) {
	t.Parallel()
	p := plan(t)
	page := read(t, filepath.Join(root, "docs", "security.md"))
	custom := map[string]string{}
	for _, r := range p.roles {
		custom["projects/my-project/roles/"+r.ID] = "`" + r.ID + "`"
	}
	who := map[string][]string{} // by role and resource
	for _, g := range p.grants {
		on := "the project"
		if g.ResourceKind != "project" {
			on = fmt.Sprintf("%s `%s`", g.ResourceKind, g.Resource)
		}
		row := cmp.Or(custom[g.Role], "`"+g.Role+"`") + " | " + on
		who[row] = append(who[row], "`"+p.accounts[g.Account]+"`")
	}
	var grants []string
	for _, row := range slices.Sorted(maps.Keys(who)) {
		slices.Sort(who[row])
		grants = append(grants, "| "+row+" | "+strings.Join(who[row], ", ")+" |")
	}
	has(t, page, "grants", append([]string{"| role | on | who |", "| --- | --- | --- |"}, grants...))

	var roles []string
	for _, name := range slices.Sorted(maps.Keys(p.roles)) {
		r := p.roles[name]
		roles = append(roles, "| `"+r.ID+"` | `"+strings.Join(r.Permissions, "`, `")+"` |")
	}
	slices.Sort(roles)
	has(t, page, "custom roles", append([]string{"| custom role | permissions |", "| --- | --- |"}, roles...))
}

// has fails unless a page has a table.
func has(t *testing.T, page, what string, rows []string) {
	t.Helper()
	if table := strings.Join(rows, "\n") + "\n\n"; !strings.Contains(page, table) {
		t.Errorf("docs/security.md has not this table of %s:\n%s", what, table)
	}
}

// docs/security.md lists what everybody may call.
func TestExposedIsDocumented(t *testing.T) {
	t.Parallel()
	p := plan(t)
	page := read(t, filepath.Join(root, "docs", "security.md"))
	for kind, programs := range p.services {
		for short, name := range programs {
			row := "| `" + name + "` | "
			_, rest, found := strings.Cut(page, row)
			if open := strings.HasPrefix(rest, "everybody"); !found || open != slices.Contains(p.public, short) {
				t.Errorf("%s %s: exposed to everybody is %v, documented %v", kind, name, slices.Contains(p.public, short), open)
			}
		}
	}
}

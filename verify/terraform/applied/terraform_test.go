package applied

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/verify/terraform"
)

// root is a copy of one root of Terraform, with a state of its own.
type root struct {
	*terraform.Workspace
	variables map[string]any
}

// open copies terraform/ and prepares one of its roots.
func open(t *testing.T, name string, variables map[string]any) *root {
	t.Helper()
	if stub.err != nil {
		t.Fatal(stub.err)
	}
	w, err := stub.Open(t.Context(), filepath.Join("..", "..", "..", "terraform"), t.TempDir(), name)
	if errors.Is(err, terraform.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &root{w, variables}
}

// run runs a command of Terraform and returns what it wrote.
func (r *root) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return r.Run(t.Context(), args...)
}

func (r *root) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.run(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// give writes the variables, with changes.
func (r *root) give(t *testing.T, changes map[string]any) {
	t.Helper()
	all := maps.Clone(r.variables)
	maps.Copy(all, changes)
	if err := r.Give(all); err != nil {
		t.Fatal(err)
	}
}

// plan returns what a plan does to each resource that it touches: "create", "update", "delete", or two of them in their order.
func (r *root) plan(t *testing.T, changes map[string]any) map[string]string {
	t.Helper()
	r.give(t, changes)
	all := map[string]string{}
	ordered := false // whether an order has to be looked up
	for line := range strings.Lines(r.must(t, "plan", "-json", "-refresh=false", "-out=planned")) {
		var m struct {
			Type   string `json:"type"`
			Change struct {
				Action   string                `json:"action"`
				Resource struct{ Addr string } `json:"resource"`
			} `json:"change"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if m.Type == "planned_change" {
			all[m.Change.Resource.Addr] = m.Change.Action
			ordered = ordered || m.Change.Action == "replace"
		}
	}
	if ordered {
		r.order(t, all)
	}
	return all
}

// order sets, of what is replaced, whether it is made or removed first.
func (r *root) order(t *testing.T, all map[string]string) {
	t.Helper()
	var plan struct {
		Changes []struct {
			Address string `json:"address"`
			Change  struct {
				Actions []string `json:"actions"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(r.must(t, "show", "-json", "planned")), &plan); err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		if all[c.Address] == "replace" {
			all[c.Address] = strings.Join(c.Change.Actions, ", ")
		}
	}
}

// apply makes what the variables say.
func (r *root) apply(t *testing.T) {
	t.Helper()
	r.give(t, nil)
	r.must(t, "apply", "-auto-approve")
}

// outputs are those of the last apply.
func (r *root) outputs(t *testing.T) map[string]any {
	t.Helper()
	var all map[string]struct{ Value any }
	if err := json.Unmarshal([]byte(r.must(t, "output", "-json")), &all); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for name, o := range all {
		values[name] = o.Value
	}
	return values
}

// kept is everything that Terraform has written down: the state, and what is in the plan's archive.
func (r *root) kept(t *testing.T) []byte {
	t.Helper()
	all, err := os.ReadFile(filepath.Join(r.Dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := zip.OpenReader(filepath.Join(r.Dir, "planned"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plan.Close() }() // only read
	for _, entry := range plan.File {
		f, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

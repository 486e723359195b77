package check

import (
	"fmt"
	"testing"
)

// tree is where the HCL of this repository is.
const tree = ".."

// exempt is who may do what nobody else may. Whoever adds to it changes docs/security.md in the same commit.
var exempt = Exempt{
	// Their programs judge the token of who is asking, and a browser has none of Google's.
	Public: []string{"tidewire-gateway", "tidewire-api", "tidewire-dashboard", "tidewire-ingest"},
	// The build, which makes what the root says: rights on topics and secrets are part of it.
	Granters: []string{"google_project_iam_custom_role.writer"},
	Admins:   []string{"google_project_iam_member.build", "google_project_iam_member.grants"},
}

// deployments are those that every root is looked at with: the least that has to be given, and all that can be.
var deployments = map[string]map[string]Given{
	".": {
		"the least": {Said: said, Inputs: map[string]any{"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits)}},
		"all there is": {Said: said, Inputs: map[string]any{
			"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits),
			"shards": 2, "tenants": map[string]any{"acme": map[string]any{}, "initech": map[string]any{"placement": "pooled"}},
			"probe_tenant": "acme", "demo": true, "hook_url": "https://hooks.example.com/lost", "slo": true,
			"domains":    map[string]any{"gateway": "live.example.com", "api": "api.example.com", "dashboard": "see.example.com", "ingest": "in.example.com"},
			"vpc_egress": map[string]any{},
		}},
	},
	"bootstrap": {
		"the least": {Said: said, Inputs: map[string]any{"project": "tidewire-test", "region": "europe-west1"}},
		"all there is": {Said: said, Inputs: map[string]any{
			"project": "tidewire-test", "region": "europe-west1", "edge": true,
			"repository": "projects/tidewire-test/locations/europe-west1/connections/github/repositories/tidewire",
		}},
	},
}

var said = map[string]string{
	"data.google_project.this.number":                           "123456789012",
	"module.secrets.ephemeral.random_password.operators.result": "0123456789abcdef0123456789abcdef0123456789abcdef",
}

const digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func images(version string) map[string]any {
	all := map[string]any{}
	for _, service := range []string{"gateway", "api", "dashboard"} {
		all[service] = fmt.Sprintf("europe-west1-docker.pkg.dev/tidewire-test/tidewire/%s%s", service, version)
	}
	return all
}

// found is everything that the check has to say of the HCL in a folder, without Terraform.
func found(root string) ([]Problem, error) {
	t, err := Read(root)
	if err != nil {
		return nil, err
	}
	all := append(t.Problems(), t.Readmes()...)
	for _, dir := range t.Roots() {
		for name, given := range deployments[dir] {
			instances, faults := t.Expand(dir, given)
			for _, p := range append(faults, Policy(instances, exempt)...) {
				p.Text += " (" + name + ")"
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func TestTree(t *testing.T) {
	t.Parallel()
	all, err := found(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Errorf("terraform/%v", p)
	}
}

// Every root is expanded with something: what is not looked at is not judged.
func TestRoots(t *testing.T) {
	t.Parallel()
	read, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range read.Roots() {
		if len(deployments[dir]) == 0 {
			t.Errorf("there is no deployment of the root %s", dir)
		}
		for name, given := range deployments[dir] {
			instances, _ := read.Expand(dir, given)
			t.Logf("%s, %s: %d instances", dir, name, len(instances))
			if len(instances) < 5 {
				t.Errorf("%s, %s: %d instances", dir, name, len(instances))
			}
		}
	}
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	read, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	need(t, read.Verify(t.Context(), func(s Step) { t.Logf("terraform %s in %s", s.Name, s.Dir) }))
}

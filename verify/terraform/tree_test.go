package terraform

import (
	"fmt"
	"maps"
	"testing"
)

// tree is where the HCL of this repository is.
const tree = "../../terraform"

// exempt is who may do what nobody else may. Whoever adds to it changes docs/security.md in the same commit.
var exempt = Exempt{
	// Their programs judge the token of who is asking, and a browser has none of Google's.
	Public: []string{"tidewire-gateway", "tidewire-api", "tidewire-dashboard", "tidewire-ingest"},
	// Of the deployment in an organization that gives accounts.
	Accounts: []string{"live-gateway@given.iam.gserviceaccount.com", "live-api@given.iam.gserviceaccount.com"},
	// The build, which makes what the root says: rights on topics and secrets are part of it.
	Granters: []string{"google_project_iam_custom_role.writer"},
	Admins:   []string{"google_project_iam_member.build", "google_project_iam_member.grants"},
}

// deployments are those that every root is planned with: the least that has to be given, and all that can be.
var deployments = map[string]map[string]map[string]any{
	".": {
		"the least": {"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits), "functions_archive": archive},
		"all there is": {
			"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits), "functions_archive": archive,
			"shards": 2, "tenants": map[string]any{"acme": map[string]any{}, "initech": map[string]any{"placement": "pooled"}},
			"probe_tenant": "acme", "demo": true, "hook_url": "https://hooks.example.com/lost", "slo": true,
			"crawler": crawlerGiven, "filter": filterGiven, "quota": map[string]any{"cpu": 24},
			"domains":    map[string]any{"gateway": "live.example.com", "api": "api.example.com", "dashboard": "see.example.com", "ingest": "in.example.com"},
			"vpc_egress": map[string]any{}, "labels": map[string]any{"team": "live"}, "notification_emails": []any{"ops@example.com"},
			"kms_key": key, "budget": map[string]any{"billing_account": "012345-ABCDEF-012345", "amount": 500},
		},
		"in an organization": {
			"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits), "functions_archive": archive, "invoker_iam_disabled": true,
			"service_accounts": map[string]any{"gateway": "live-gateway@given.iam.gserviceaccount.com", "api": "live-api@given.iam.gserviceaccount.com", "push": "live-push@given.iam.gserviceaccount.com"},
			"vpc_egress":       map[string]any{"network": "projects/net/global/networks/shared", "subnetwork": "projects/net/regions/europe-west1/subnetworks/live"},
		},
	},
	"examples/minimal":           {"as it stands": example(nil)},
	"examples/pooled":            {"as it stands": example(nil)},
	"examples/feeds":             {"as it stands": example(map[string]any{"publisher": "serviceAccount:jobs@tidewire-test.iam.gserviceaccount.com", "readings": "projects/devices/topics/readings"})},
	"examples/with-vpc":          {"as it stands": example(map[string]any{"network": "projects/net/global/networks/shared", "subnetwork": "projects/net/regions/europe-west1/subnetworks/live"})},
	"examples/existing-accounts": {"as it stands": example(map[string]any{"accounts": map[string]any{"gateway": "live-gateway@given.iam.gserviceaccount.com", "api": "live-api@given.iam.gserviceaccount.com"}})},
	"examples/production": {"as it stands": example(map[string]any{
		"domain": "example.com", "kms_key": key, "emails": []any{"ops@example.com"}, "billing_account": "012345-ABCDEF-012345",
	})},
	"bootstrap": {
		"the least": {"project": "tidewire-test", "region": "europe-west1"},
		"all there is": {
			"project": "tidewire-test", "region": "europe-west1", "edge": true,
			"repository": "projects/tidewire-test/locations/europe-west1/connections/github/repositories/tidewire",
			"labels":     map[string]any{"team": "live"}, "kms_key": key,
		},
	},
}

// example is what every example is given, and what one takes besides.
func example(more map[string]any) map[string]any {
	all := map[string]any{
		"project": "tidewire-test", "region": "europe-west1", "images": images("@sha256:" + digits),
		"functions": map[string]any{"bucket": "archives", "object": digits + ".zip"},
	}
	maps.Copy(all, more)
	return all
}

const (
	archive = "functions.zip" // is beside the root that is planned
	key     = "projects/keys/locations/europe-west1/keyRings/live/cryptoKeys/live"
	digits  = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func images(version string) map[string]any {
	all := map[string]any{}
	for _, service := range []string{"gateway", "api", "dashboard"} {
		all[service] = fmt.Sprintf("europe-west1-docker.pkg.dev/tidewire-test/tidewire/%s%s", service, version)
	}
	return all
}

// The source is as it has to be, and what is generated is as the source says.
func TestSource(t *testing.T) {
	t.Parallel()
	read, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(read.Problems(), read.Stale()...) {
		t.Errorf("terraform/%v", p)
	}
}

// Terraform takes every root, with every one of its deployments, and what it plans is what a deployment of ours may do.
func TestPlans(t *testing.T) {
	t.Parallel()
	read, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range read.Roots() {
		if len(deployments[root]) == 0 {
			t.Errorf("there is no deployment of the root %s: what is not planned is not judged", root)
		}
		for name := range deployments[root] {
			t.Run(root+", "+name, func(t *testing.T) {
				t.Parallel()
				plan, err := ours().planned(root, name)
				need(t, err)
				for _, p := range Policy(plan, exempt) {
					t.Errorf("terraform/%v", p)
				}
				for wall, far := range plan.Checks {
					if !far {
						t.Errorf("it meets the wall %s", wall)
					}
				}
				if t.Logf("%d resources", len(plan.Instances)); len(plan.Instances) < 5 {
					t.Error("that is too few to be a deployment")
				}
			})
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

package applied

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// secret is the stub's password.
const secret = "this-password-is-in-no-plan-and-in-no-state-0123"

func image(service, digit string) string {
	return "europe-west1-docker.pkg.dev/my-project/tidewire/" + service + "@sha256:" + strings.Repeat(digit, 64)
}

func images(digit string) map[string]any {
	return map[string]any{"gateway": image("gateway", digit), "api": image("api", digit), "dashboard": image("dashboard", digit)}
}

// archive writes something for a source archive and returns where.
func archive(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "functions.zip")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The example is the least that has to be said.
func TestTheLeast(t *testing.T) {
	t.Parallel()
	r := open(t, ".", map[string]any{"functions_archive": archive(t, "first")})
	if err := os.Rename(filepath.Join(r.Dir, "terraform.tfvars.example"), filepath.Join(r.Dir, "terraform.tfvars")); err != nil {
		t.Fatal(err)
	}
	r.must(t, "validate")
	r.apply(t)
	got := r.outputs(t)
	for name, want := range map[string]any{
		"gateway_url":   "https://tidewire-gateway-123456789012.europe-west1.run.app",
		"ingest_url":    "https://tidewire-ingest-123456789012.europe-west1.run.app",
		"api_url":       "https://tidewire-api-123456789012.europe-west1.run.app",
		"dashboard_url": "https://tidewire-dashboard-123456789012.europe-west1.run.app",
		"edge_address":  nil,
		"topics":        map[string]any{},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("the output %s (-want +got):\n%s", name, diff)
		}
	}
	if again := r.plan(t, nil); len(again) > 0 {
		t.Errorf("a second plan would change %v", again)
	}
	r.before(t)
	moved := 0
	for address, action := range r.plan(t, nil) {
		if action != "move" {
			t.Errorf("%s: what was there before modules/tidewire is not moved: %s", address, action)
		}
		moved++
	}
	if moved < 50 {
		t.Errorf("only %d resources are moved", moved)
	}
}

func TestWhatAChangeTouches(t *testing.T) {
	t.Parallel()
	first, second := archive(t, "first"), archive(t, "second")
	r := open(t, ".", map[string]any{
		"project": "my-project", "region": "europe-west1", "images": images("1"), "functions_archive": first,
		"tenants": map[string]any{"acme": map[string]any{}, "globex": map[string]any{}, "small": map[string]any{"placement": "pooled"}}, "shards": 2,
		"demo": true, "probe_tenant": "acme", "hook_url": "https://hooks.example.com/lost", "slo": true, "vpc_egress": map[string]any{},
		"crawler": map[string]any{"hosts": []any{"docs.example.com"}}, "filter": map[string]any{"rules": rules("readings")},
		"domains": map[string]any{"gateway": "live.example.com", "ingest": "in.example.com"},
	})
	r.apply(t)
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    map[string]string
	}{
		{"nothing", nil, map[string]string{}},
		{
			"a tenant of its own and a pooled one less", map[string]any{"tenants": map[string]any{"acme": map[string]any{}}},
			map[string]string{`module.tidewire.module.pubsub.google_pubsub_topic.tenant["tw-globex"]`: "delete"},
		},
		{
			"a tenant more", map[string]any{"tenants": map[string]any{
				"acme": map[string]any{}, "aaa": map[string]any{}, "globex": map[string]any{}, "small": map[string]any{"placement": "pooled"},
			}},
			map[string]string{`module.tidewire.module.pubsub.google_pubsub_topic.tenant["tw-aaa"]`: "create"},
		},
		{
			"another image of the gateway", map[string]any{"images": map[string]any{"gateway": image("gateway", "2"), "api": image("api", "1"), "dashboard": image("dashboard", "1")}},
			map[string]string{`module.tidewire.module.service["gateway"].google_cloud_run_v2_service.this`: "update"},
		},
		{
			"another source of the functions", map[string]any{"functions_archive": second},
			map[string]string{
				"module.tidewire.google_storage_bucket_object.functions[0]":                       "create, delete",
				`module.tidewire.module.function["crawler"].google_cloudfunctions2_function.this`: "update",
				`module.tidewire.module.function["filter"].google_cloudfunctions2_function.this`:  "update",
				`module.tidewire.module.function["ingest"].google_cloudfunctions2_function.this`:  "update",
				`module.tidewire.module.function["janitor"].google_cloudfunctions2_function.this`: "update",
				`module.tidewire.module.function["keeper"].google_cloudfunctions2_function.this`:  "update",
				`module.tidewire.module.function["probe"].google_cloudfunctions2_function.this`:   "update",
			},
		},
		{
			"other rules of the filter", map[string]any{"filter": map[string]any{"rules": rules("alerts")}},
			map[string]string{`module.tidewire.module.function["filter"].google_cloudfunctions2_function.this`: "update"},
		},
		{
			// The key in use goes only once the api has another.
			"another key of the operators", map[string]any{"operators_version": 2},
			map[string]string{
				"module.tidewire.module.secrets.google_secret_manager_secret_version.operators": "create, delete",
				`module.tidewire.module.service["api"].google_cloud_run_v2_service.this`:        "update",
			},
		},
	} {
		// They share a state, which none of them changes.
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // a folder has one plan at a time
			if diff := cmp.Diff(c.want, r.plan(t, c.changes)); diff != "" {
				t.Errorf("what is touched (-want +got):\n%s", diff)
			}
			if bytes.Contains(r.kept(t), []byte(secret)) {
				t.Error("the operators' key is in the plan or in the state")
			}
		})
	}
	r.give(t, nil)
	r.must(t, "destroy", "-auto-approve")
}

// rules are those of a filter that publishes everything to one channel.
func rules(channel string) string {
	return fmt.Sprintf(`{"tenant":"acme","rules":[{"channel":"%s:all"}]}`, channel)
}

func TestAnImageByItsTag(t *testing.T) {
	t.Parallel()
	byTag := images("1")
	byTag["api"] = "europe-west1-docker.pkg.dev/my-project/tidewire/api:latest"
	r := open(t, ".", map[string]any{
		"project": "my-project", "region": "europe-west1", "images": byTag,
		"functions": map[string]any{"bucket": "archives", "object": strings.Repeat("a", 64) + ".zip"},
	})
	r.give(t, nil)
	if out, err := r.run(t, "plan"); err == nil || !strings.Contains(err.Error(), "must be given by digest") {
		t.Errorf("an image that a tag names was planned: %v\n%s", err, out)
	}
}

// A wall that would be met under load is a warning, and what Cloud Run would refuse is an error, before anything is made.
func TestWalls(t *testing.T) {
	t.Parallel()
	r := open(t, ".", map[string]any{
		"project": "my-project", "region": "europe-west1", "images": images("1"),
		"functions": map[string]any{"bucket": "archives", "object": strings.Repeat("a", 64) + ".zip"},
	})
	r.give(t, map[string]any{"expected": map[string]any{"sockets": 5000, "tenants": 900}, "sizes": map[string]any{"gateway": map[string]any{"max": 6}}})
	out := strings.Join(strings.Fields(strings.ReplaceAll(r.must(t, "plan", "-refresh=false", "-no-color"), "│", "")), " ")
	for _, wall := range []string{"5000 sockets are expected, and 6 gateways carry 3600", "up to 23 vCPU may run", "up to 10800 subscriptions may exist"} {
		if !strings.Contains(out, wall) {
			t.Errorf("the plan does not say %q", wall)
		}
	}
	r.give(t, map[string]any{"sizes": map[string]any{"gateway": map[string]any{"max": 21}}})
	if out, err := r.run(t, "plan", "-refresh=false", "-no-color"); err == nil || !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "│", "")), " "), "Cloud Run refuses the revision") {
		t.Errorf("21 gateways on 20 vCPU were planned: %v\n%s", err, out)
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	r := open(t, "bootstrap", map[string]any{"project": "my-project", "region": "europe-west1"})
	r.must(t, "validate")
	r.apply(t)
	if diff := cmp.Diff(map[string]any{}, r.outputs(t)["triggers"]); diff != "" {
		t.Errorf("triggers without a repository (-want +got):\n%s", diff)
	}
	connected := r.plan(t, map[string]any{"repository": "projects/my-project/locations/europe-west1/connections/c/repositories/r"})
	want := map[string]string{`google_cloudbuild_trigger.this["check"]`: "create", `google_cloudbuild_trigger.this["release"]`: "create"}
	if diff := cmp.Diff(want, connected); diff != "" {
		t.Errorf("what a repository adds (-want +got):\n%s", diff)
	}
}

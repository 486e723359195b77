package check

import (
	"errors"
	"os"
	"testing"
)

// variables are what modules/plan is given in tests: every kind of tenant, and everything that may be left out.
func variables() map[string]any {
	return map[string]any{
		"project": "tidewire-test", "number": "123456789012", "region": "europe-west1", "shards": 4, "probe_tenant": "acme", "demo": true,
		"tenants": map[string]any{"acme": map[string]any{}, "globex": map[string]any{"placement": "own"}, "initech": map[string]any{"placement": "pooled"}},
	}
}

// need fails the test where Terraform is missing in CI, and skips it loudly elsewhere.
func need(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

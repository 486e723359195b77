package httpapi_test

import (
	"context"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// changedTenants are tenants as they have become since a token was verified.
type changedTenants struct {
	realtime.TenantStore
	change func(*realtime.Tenant)
}

func (c changedTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	doc, err := c.TenantStore.Tenant(ctx, id)
	if err != nil {
		return nil, err
	}
	changed := *doc
	c.change(&changed)
	return &changed, nil
}

// A token that was verified by one document counts by the newer one that the call is made by.
func TestDocumentChangesBehindTheVerifier(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*realtime.Tenant)
		status int
	}{
		"nothing":       {func(*realtime.Tenant) {}, 200},
		"key withdrawn": {func(d *realtime.Tenant) { d.Auth.Keys = nil }, 401},
		"issuer":        {func(d *realtime.Tenant) { d.Auth.Issuer = "https://issuer" }, 401},
		"audience":      {func(d *realtime.Tenant) { d.Auth.Audience = []string{"x"} }, 401},
		"suspended":     {func(d *realtime.Tenant) { d.Suspended = true }, 403},
		"deleted":       {func(d *realtime.Tenant) { d.Deleted = true }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(o *httpapi.Options) { o.Tenants = changedTenants{o.Tenants, c.change} })
			token := s.token("acme", "ann", httpapi.Parts()...)
			for _, what := range []string{"GET /v1/tenants/acme", "GET /v1/tenants/acme/connections"} {
				if a := s.call(what, token, ""); a.Status != c.status {
					t.Errorf("%s: %d %s", what, a.Status, a.Raw)
				}
			}
		})
	}
}

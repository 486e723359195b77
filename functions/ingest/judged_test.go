package ingest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
)

// changedTenants are tenants as they have become since their tokens were verified.
type changedTenants struct {
	realtime.Tenants
	change func(*realtime.Tenant)
}

func (c changedTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	doc, err := c.Tenants.Tenant(ctx, id)
	if err != nil {
		return nil, err
	}
	changed := *doc
	c.change(&changed)
	return &changed, nil
}

// A token that was verified by one document counts by the newer one that its events are taken in by.
func TestDocumentChangesBehindTheVerifier(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*realtime.Tenant)
		status int
	}{
		"nothing":       {func(*realtime.Tenant) {}, 200},
		"key withdrawn": {func(d *realtime.Tenant) { d.Auth.Keys = nil }, 401},
		"other key": {func(d *realtime.Tenant) {
			d.Auth.Keys = []realtime.Key{{KID: d.Auth.Keys[0].KID, Alg: "HS256", Secret: strings.Repeat("other", 10)}}
		}, 401},
		"issuer":    {func(d *realtime.Tenant) { d.Auth.Issuer = "https://issuer" }, 401},
		"audience":  {func(d *realtime.Tenant) { d.Auth.Audience = []string{"x"} }, 401},
		"suspended": {func(d *realtime.Tenant) { d.Suspended = true }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(o *ingest.Options) { o.Tenants = changedTenants{o.Tenants, c.change} })
			if a := d.post(t, "application/json", `{"channel":"board:7","data":1}`); a.Status != c.status {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
	}
}

// Where hooks decide who publishes, events are taken of producers alone: nobody here can ask the hooks.
func TestHooksDecideWhoPublishes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hook   realtime.Hook
		status int
	}{
		"of publish":       {realtime.Hook{On: []string{"publish"}}, 403},
		"of connect":       {realtime.Hook{On: []string{"connect"}}, 403},
		"of subscribe":     {realtime.Hook{On: []string{"subscribe"}}, 200},
		"of other channel": {realtime.Hook{On: []string{"publish"}, Channels: []realtime.Pattern{"other:*"}}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(o *ingest.Options) {
				o.Tenants = changedTenants{o.Tenants, func(doc *realtime.Tenant) { doc.Hooks = []realtime.Hook{c.hook} }}
			})
			if a := d.post(t, "application/json", `{"channel":"board:7","data":1}`); a.Status != c.status {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
	}
}

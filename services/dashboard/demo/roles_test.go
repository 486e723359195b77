package demo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/demo"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 32)
	tenants := demo.Tenants(secret)
	for id, tenant := range tenants {
		if err := tenant.Check(); err != nil || tenant.ID != id {
			t.Errorf("%s: ID %q, %v", id, tenant.ID, err)
		}
	}
	acme, globex := tenants["acme"].Auth.Keys[0].Secret, tenants["globex"].Auth.Keys[0].Secret
	if acme == globex || len(acme) < 32 || strings.Contains(acme, secret) {
		t.Errorf("keys %q and %q: each tenant has one of its own that does not tell the secret", acme, globex)
	}
	if again := demo.Tenants(secret)["acme"].Auth.Keys[0].Secret; again != acme {
		t.Error("the same secret made another key: tokens would end with a restart")
	}
}

func role(t *testing.T, tenant, group string) demo.Role {
	t.Helper()
	for _, r := range demo.Roles() {
		if r.Tenant == tenant && r.Group == group {
			return r
		}
	}
	t.Fatalf("no role %s of %s", group, tenant)
	return demo.Role{}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	desk, engineer, operator, writer := demo.Reader(role(t, "acme", "equities")), demo.Reader(role(t, "acme", "plant")), demo.Reader(role(t, "acme", "operations")), demo.Writer("acme")
	tests := []struct {
		name            string
		who             *realtime.Principal
		do              realtime.Action
		tenant, channel string
		want            bool
	}{
		{"a desk reads its prices", desk, realtime.ActionSubscribe, "acme", "prices:equities", true},
		{"a desk reads its charts", desk, realtime.ActionSubscribe, "acme", "charts:equities", true},
		{"a desk reads no other's", desk, realtime.ActionSubscribe, "acme", "prices:currencies", false},
		{"a desk reads no other tenant's", desk, realtime.ActionSubscribe, "globex", "prices:equities", false},
		{"a desk publishes no prices", desk, realtime.ActionPublish, "acme", "prices:equities", false},
		{"a desk draws", desk, realtime.ActionPublish, "acme", "board:main", true},
		{"a desk sees no sensors", desk, realtime.ActionSubscribe, "acme", "sensors:plant", false},
		{"an engineer does", engineer, realtime.ActionSubscribe, "acme", "sensors:plant", true},
		{"an engineer sees no alerts", engineer, realtime.ActionSubscribe, "acme", "alerts:estate", false},
		{"operations claims alerts", operator, realtime.ActionPublish, "acme", "claims:estate", true},
		{"operations opens none", operator, realtime.ActionPublish, "acme", "alerts:estate", false},
		{"the simulation publishes prices", writer, realtime.ActionPublish, "acme", "prices:currencies", true},
		{"the simulation publishes nothing else", writer, realtime.ActionPublish, "acme", "board:main", false},
		{"the simulation reads nothing", writer, realtime.ActionSubscribe, "acme", "prices:equities", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := realtime.NewChannel(test.tenant, test.channel)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.who.May(test.do, c); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

// Every channel that a role's page is told of can be read by it.
func TestRolesMayReadTheirChannels(t *testing.T) {
	t.Parallel()
	sessions := demo.Sessions{Roles: demo.Roles(), Sign: func(context.Context, *realtime.Principal) (string, error) { return "t", nil }}
	for _, r := range demo.Roles() {
		s, err := sessions.Session(t.Context(), r.Tenant, r.Group)
		if err != nil {
			t.Fatal(err)
		}
		who := demo.Reader(r)
		for _, ch := range s.Channels {
			c, err := realtime.NewChannel(r.Tenant, ch.Name)
			if err != nil || !who.May(realtime.ActionSubscribe, c) || !slices.Contains(r.Dashboards, ch.Dashboard) {
				t.Errorf("%s of %s: channel %s of %s, %v", r.Group, r.Tenant, ch.Name, ch.Dashboard, err)
			}
		}
		if len(s.Manage) != 0 {
			t.Errorf("%s of %s manages %v", r.Group, r.Tenant, s.Manage)
		}
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	sessions := demo.Sessions{Roles: demo.Roles(), For: time.Minute, Manage: []realtime.Manage{realtime.ManageConnections}, Sign: func(_ context.Context, p *realtime.Principal) (string, error) {
		if p.Expires.Sub(p.Issued) != time.Minute {
			t.Errorf("the token lasts %v, want 1m", p.Expires.Sub(p.Issued))
		}
		return p.Tenant + "/" + p.User, nil
	}}
	tests := []struct{ tenant, group, token, dashboard string }{
		{"", "", "acme/equities-desk", "trading"},
		{"globex", "", "globex/equities-desk", "trading"},
		{"", "plant", "acme/plant", "sensors"},
		{"globex", "operations", "globex/operations", "operations"},
	}
	for _, test := range tests {
		s, err := sessions.Session(t.Context(), test.tenant, test.group)
		if err != nil {
			t.Fatal(err)
		}
		if s.Token != test.token || s.Dashboards[0] != test.dashboard || len(s.Views) != 12 {
			t.Errorf("%q %q: %+v, want token %s and %s", test.tenant, test.group, s, test.token, test.dashboard)
		}
		if manages := len(s.Manage) > 0; manages != (test.group == "operations") {
			t.Errorf("%q %q manages %v", test.tenant, test.group, s.Manage)
		}
	}

	if s, err := sessions.Session(t.Context(), "acme", "volatility"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("an unknown group: %+v, %v; want not-found", s, err)
	}
	sessions.Sign = func(context.Context, *realtime.Principal) (string, error) { return "", errors.New("no key") }
	if s, err := sessions.Session(t.Context(), "acme", ""); err == nil || s.Token != "" {
		t.Errorf("without a key: %+v, %v; want an error", s, err)
	}
	web.Handler(web.Options{Session: sessions.Session}) // it fits
}

package demo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/demo"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func desks(t *testing.T) []demo.Desk {
	t.Helper()
	d, err := demo.Desks()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDesks(t *testing.T) {
	t.Parallel()
	type summary struct {
		Tenant, Channel string
		Instruments     int
		Dates           int
		First, Last     demo.Quote // of the first instrument
	}
	var got []summary
	for _, d := range desks(t) {
		q := d.Instruments[0].Quotes
		got = append(got, summary{d.Tenant, d.Channel(), len(d.Instruments), len(d.Instruments[0].Quotes), q[0], q[len(q)-1]})
		for _, in := range d.Instruments {
			if len(in.Quotes) != len(d.Instruments[0].Quotes) {
				t.Errorf("%s has %d dates, its desk %d", in.Symbol, len(in.Quotes), len(d.Instruments[0].Quotes))
			}
			if !slices.IsSortedFunc(in.Quotes, func(a, b demo.Quote) int { return strings.Compare(a.Date, b.Date) }) {
				t.Errorf("%s is not in the order of its dates", in.Symbol)
			}
		}
		if _, err := realtime.NewChannel(d.Tenant, d.Channel()); err != nil {
			t.Error(err)
		}
	}
	want := []summary{
		{"acme", "prices:equities", 5, 68, demo.Quote{Date: "2004-08-01", Price: 17.25}, demo.Quote{Date: "2010-03-01", Price: 223.02}},
		{"acme", "prices:index", 10, 248, demo.Quote{Date: "2000-01-07", Price: 1441.47}, demo.Quote{Date: "2000-12-29", Price: 1320.28}},
		{"globex", "prices:index", 10, 250, demo.Quote{Date: "2010-01-06", Price: 1137.14}, demo.Quote{Date: "2010-12-31", Price: 1257.64}},
		{"globex", "prices:volatility", 4, 44, demo.Quote{Date: "2009-06-01", Price: 28.7}, demo.Quote{Date: "2009-07-31", Price: 25.4}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("desks (-want +got):\n%s", diff)
	}
}

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

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	reader, writer := demo.Reader("acme", "equities"), demo.Writer("acme")
	tests := []struct {
		name            string
		who             *realtime.Principal
		do              realtime.Action
		tenant, channel string
		want            bool
	}{
		{"a desk reads its prices", reader, realtime.ActionSubscribe, "acme", "prices:equities", true},
		{"a desk reads no other's", reader, realtime.ActionSubscribe, "acme", "prices:index", false},
		{"a desk reads no other tenant's", reader, realtime.ActionSubscribe, "globex", "prices:equities", false},
		{"a desk publishes nothing", reader, realtime.ActionPublish, "acme", "prices:equities", false},
		{"the replay publishes prices", writer, realtime.ActionPublish, "acme", "prices:index", true},
		{"the replay publishes nothing else", writer, realtime.ActionPublish, "acme", "orders:index", false},
		{"the replay reads nothing", writer, realtime.ActionSubscribe, "acme", "prices:index", false},
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

func TestSessions(t *testing.T) {
	t.Parallel()
	sessions := demo.Sessions{Desks: desks(t), For: time.Minute, Sign: func(_ context.Context, p *realtime.Principal) (string, error) {
		if p.Expires.Sub(p.Issued) != time.Minute {
			t.Errorf("the token lasts %v, want 1m", p.Expires.Sub(p.Issued))
		}
		return p.Tenant + "/" + p.User, nil
	}}
	tests := []struct{ tenant, group, token, channel string }{
		{"", "", "acme/equities-desk", "prices:equities"},
		{"globex", "", "globex/index-desk", "prices:index"},
		{"", "volatility", "globex/volatility-desk", "prices:volatility"},
		{"acme", "index", "acme/index-desk", "prices:index"},
	}
	for _, test := range tests {
		s, err := sessions.Session(t.Context(), test.tenant, test.group)
		if err != nil {
			t.Fatal(err)
		}
		if s.Token != test.token || s.Channels[0].Name != test.channel || s.Channels[0].EveryMS != 1000 || len(s.Views) != 4 {
			t.Errorf("%q %q: %+v, want token %s and channel %s", test.tenant, test.group, s, test.token, test.channel)
		}
	}

	if s, err := sessions.Session(t.Context(), "acme", "volatility"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("a group of another tenant: %+v, %v; want not-found", s, err)
	}
	sessions.Sign = func(context.Context, *realtime.Principal) (string, error) { return "", errors.New("no key") }
	if s, err := sessions.Session(t.Context(), "acme", ""); err == nil || s.Token != "" {
		t.Errorf("without a key: %+v, %v; want an error", s, err)
	}
	web.Handler(web.Options{Session: sessions.Session}) // it fits
}

package canary_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// The gateway shows nobody what is not theirs.
func TestGateway(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		server := start(t)
		if err := canary.Run(t.Context(), "acme", server, canary.Options{Seed: seed}); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// start runs a gateway on memory drivers.
func start(t *testing.T) canary.Server {
	t.Helper()
	doc := &realtime.Tenant{
		ID:   "acme",
		Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat("acme", 32)}}},
	}
	other := *doc
	other.ID = "other"
	tenants, err := memory.NewTenants(doc, &other)
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants, DrainSpread: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
		server.Close()
		if err := broker.Close(ctx); err != nil {
			t.Errorf("closing the broker: %v", err)
		}
	})
	signer, err := auth.NewSigner(doc)
	if err != nil {
		t.Fatal(err)
	}
	strangers, err := auth.NewSigner(&other)
	if err != nil {
		t.Fatal(err)
	}
	return canary.Server{
		URL: server.URL,
		Token: func(user string, r canary.Rights) (string, error) {
			claims := auth.Claims{User: user, Expires: time.Now().Add(time.Hour)}
			for _, channel := range r.Channels {
				claims.Grants.Subscribe = append(claims.Grants.Subscribe, realtime.Pattern(channel))
			}
			return signer.Sign(claims)
		},
		Publish: func(p *realtime.Publication) error {
			return g.Publisher().Publish(t.Context(), doc, []realtime.Publication{*p})
		},
		Send: func(user string, p *realtime.Publication) error {
			return g.Publisher().SendDirect(t.Context(), doc, realtime.Target{User: user}, p)
		},
		Stranger: func() (string, error) {
			return strangers.Sign(auth.Claims{User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}})
		},
		Features: canary.Features{Stream: true},
	}
}

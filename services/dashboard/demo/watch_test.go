package demo_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/services/dashboard/demo"
)

// What nobody reads is not wanted once the gateway has said so, and what somebody reads is wanted as long as he does.
func TestWatchFollowsReaders(t *testing.T) {
	t.Parallel()
	acme := demo.Tenants("01234567890123456789012345678901")["acme"]
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Broker: memory.NewBroker(memory.BrokerOptions{}), Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	signer, err := auth.NewSigner(acme)
	if err != nil {
		t.Fatal(err)
	}
	token := func(user string, grants realtime.Grants) func(context.Context) (string, error) {
		return func(context.Context) (string, error) {
			return signer.Sign(auth.Claims{User: user, Grants: grants, Issued: time.Now(), Expires: time.Now().Add(time.Hour)})
		}
	}

	w := &demo.Watch{Client: tidewire.Options{URL: server.URL, Token: token("simulation", demo.Writer("acme").Grants)}}
	if !w.Wants("prices:equities", "AAPL") {
		t.Error("nothing is wanted before it is known what is")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	wants := func(when string, want bool) {
		t.Helper()
		for w.Wants("prices:equities", "AAPL") != want {
			select {
			case <-t.Context().Done():
				t.Fatal(when)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	wants("it is wanted, though nobody reads it", false)
	reader, err := tidewire.Connect(t.Context(), tidewire.Options{URL: server.URL, Token: token("ann", realtime.Grants{Subscribe: []realtime.Pattern{"**"}})})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.Subscribe("prices:equities", tidewire.SubscribeOptions{}); err != nil {
		t.Fatal(err)
	}
	wants("it is not wanted, though somebody reads it", true)
	if w.Wants("prices:currencies", "EURUSD") {
		t.Error("a channel that nobody reads is wanted")
	}
	reader.Close()
	wants("it is wanted, though nobody reads it any more", false)
	if !w.Wants("services:estate", "tidewire") {
		t.Error("what is not watched is not wanted")
	}
}

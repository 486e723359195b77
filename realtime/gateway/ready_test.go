package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// While nobody could be registered nobody new is taken, and those who are connected stay.
func TestNobodyEntersWithoutRegistry(t *testing.T) {
	t.Parallel()
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: strings.Repeat("s", 32)}}}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := New(Options{Broker: broker, Tenants: tenants, Registry: memory.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	signer, err := auth.NewSigner(acme)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s does not say when to come back", path)
		}
		return w.Code
	}
	if code := get("/readyz"); code != http.StatusOK {
		t.Errorf("ready: %d", code)
	}
	g.roll.mu.Lock()
	g.roll.failing = time.Now().Add(-leaseFor - time.Second)
	g.roll.mu.Unlock()
	for path, want := range map[string]int{"/readyz": 503, "/v1/events?channel=a:1": 503, "/healthz": 200} {
		if code := get(path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

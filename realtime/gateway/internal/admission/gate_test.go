package admission

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/limit"
)

// A client that comes while very many tokens wait for their keys is told to come back, and costs nothing.
func TestTokensBeingVerifiedAreBounded(t *testing.T) {
	t.Parallel()
	tenants, err := memory.NewTenants()
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.New(tenants, auth.Options{})
	t.Cleanup(func() {
		if err := verifier.Close(); err != nil {
			t.Error(err)
		}
	})
	g := New(Options{
		Tenants: tenants, Verifier: verifier, Limiter: limit.New(limit.Options{}), Hooks: &hook.Caller{},
		Remote: func(*http.Request) string { return "" }, Within: time.Minute, Open: context.Background(),
		Reporter: refusal.Reporter{Logger: slog.New(slog.DiscardHandler)}, Metrics: realtime.NoMetrics{},
	})
	status := func() int {
		r := httptest.NewRequest(http.MethodGet, "/v1/events?channel=a:1", nil)
		r.Header.Set("Authorization", "Bearer a.b.c")
		_, err := g.VerifyRequest(t.Context(), r)
		w := httptest.NewRecorder()
		refusal.Write(w, err)
		return w.Code
	}
	for range maxVerifying {
		if !g.verifying.Take() {
			t.Fatal("too few tokens are verified at once")
		}
	}
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("one too many is answered with %d", got)
	}
	g.verifying.Free()
	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("when there is a slot it is answered with %d", got)
	}
	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("the slot was not given back: %d", got)
	}
}

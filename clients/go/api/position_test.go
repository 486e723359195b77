package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
)

// A position is asked for by the channel's path; what is none is an error.
func TestPosition(t *testing.T) {
	t.Parallel()
	said := `{"position":"1767225598000-","asOf":"2025-12-31T23:59:58Z"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Method + " " + r.URL.EscapedPath(); got != "GET /v1/tenants/acme/channels/orders:eu/position" {
			t.Errorf("asked for %s", got)
		}
		_, _ = fmt.Fprint(w, said)
	}))
	defer s.Close()
	c, err := api.New(api.Options{URL: s.URL, Token: tidewire.StaticToken("t")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if at, err := c.Position(t.Context(), "acme", "orders:eu"); err != nil || at != "1767225598000-" {
		t.Errorf("%q, %v", at, err)
	}
	for _, said = range []string{`{}`, `{"position":"soon"}`, `<html>`} {
		if at, err := c.Position(t.Context(), "acme", "orders:eu"); err == nil {
			t.Errorf("%s is taken for %q", said, at)
		}
	}
	if _, err := c.Position(t.Context(), "acme", "a b"); err == nil {
		t.Error("a name that no channel has")
	}
}

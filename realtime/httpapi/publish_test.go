package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

type ctx = context.Context

func TestPublish(t *testing.T) {
	t.Parallel()
	s := start(t)
	reader := s.connect("acme", "ann")
	if err := reader.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)); err != nil {
		t.Fatal(err)
	}
	reader.expect("ok", "")
	token := s.token("acme", "backend", realtime.ManagePublish) // without a grant to publish anywhere
	if a := s.want(200, "POST /v1/tenants/acme/publish", token, `[{"channel":"prices:fx","data":1,"id":"a"},{"channel":"other:x","data":2}]`); !strings.HasPrefix(a.Raw, `{"accepted":2,"results":[{"id":"a"},{"id":"`) {
		t.Errorf("answered %s", a.Raw)
	}
	reader.expect("message", "1")
	if a := s.want(400, "POST /v1/tenants/acme/publish", token, `[{"channel":"prices:fx","data":1},{"chanel":"x"}]`); len(a.Errors) != 1 || a.Errors[0]["index"] != 1.0 {
		t.Errorf("answered %s", a.Raw)
	}
	if a := s.call("POST /v1/tenants/acme/publish", token, "{\"channel\":\"prices:fx\",\"data\":2}\n", "Content-Type", "application/x-ndjson"); a.Status != 200 {
		t.Errorf("lines: %d %s", a.Status, a.Raw)
	}
	reader.expect("message", "2")
	if a := s.call("POST /v1/tenants/acme/publish", token, "x", "Content-Type", "text/plain"); a.Status != 415 {
		t.Errorf("text: %d %s", a.Status, a.Raw)
	}
	reader.quiet()
	if a := s.want(403, "POST /v1/tenants/closed/publish", s.operator(), `{"channel":"prices:fx","data":1}`); a.Code != realtime.CodeSuspended {
		t.Errorf("to a suspended tenant: %s", a.Raw)
	}
	s.want(404, "POST /v1/tenants/nowhere/publish", s.operator(), `{"channel":"prices:fx","data":1}`)
}

// broken is a publisher whose broker has an error.
type broken struct {
	httpapi.Publisher
	err error
}

func (b broken) Publish(ctx, *realtime.Tenant, []realtime.Publication) error { return b.err }

func (b broken) SendDirect(ctx, *realtime.Tenant, realtime.Target, *realtime.Publication) error {
	return b.err
}

// A broker that is down is a 503; a tenant without a topic is a fault of ours and no 404.
func TestBrokerDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
	}{
		{down(), 503}, {realtime.Errorf(realtime.CodeNotFound, "there is no topic"), 500}, {errors.New("broken"), 500},
	} {
		s := start(t, func(o *httpapi.Options) { o.Publisher = broken{o.Publisher, c.err} })
		s.connect("acme", "ann")
		for _, call := range []string{"publish", "users/ann/send"} {
			body := map[string]string{"publish": `{"channel":"a","data":1}`, "users/ann/send": `{"data":1}`}[call]
			if a := s.call("POST /v1/tenants/acme/"+call, s.operator(), body); a.Status != c.status || a.Status == 503 && a.Header.Get("Retry-After") == "" {
				t.Errorf("%v: %d %s", c.err, a.Status, a.Raw)
			}
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	for call, allow := range map[string]string{
		"POST /v1/tenants": "GET", "DELETE /v1/tenants/acme": "GET, PUT, PATCH", "GET /v1/tenants/acme/suspend": "POST", "PUT /v1/tenants/acme/connections/c": "GET, DELETE",
		"PATCH /v1/openapi.json": "GET",
	} {
		if a := s.call(call, s.operator(), ""); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != allow || a.Code != realtime.CodeBadRequest {
			t.Errorf("%s: %d %q %s", call, a.Status, a.Header, a.Raw)
		}
	}
	for _, call := range []string{"GET /v1/tenants/", "GET /v1/tenants/acme/", "GET /v1/tenants/acme/nothing", "POST /v1/tenants/acme/users/ann", "POST /v1/tenants/acme/users/a/b/send"} {
		if a := s.call(call, s.operator(), ""); a.Status != http.StatusNotFound || a.Code != realtime.CodeNotFound {
			t.Errorf("%s: %d %s", call, a.Status, a.Raw)
		}
	}
	for _, id := range []string{"Acme", "-acme", strings.Repeat("a", 64), "a%2Fb"} {
		s.want(400, "GET /v1/tenants/"+id, s.operator(), "")
	}
	s.want(404, "GET /v1/tenants/nowhere", s.operator(), "")
}

// A tenant's own callers are held to requestsPerSecond; an operator is not.
func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := tenant("tight")
	doc.Limits.RequestsPerSecond = 1
	if _, err := s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	token := s.token("tight", "backend", httpapi.Parts()...)
	a := s.call("GET /v1/tenants/tight", token, "")
	for a.Status == 200 { // the bucket is empty sooner or later
		a = s.call("GET /v1/tenants/tight", token, "")
	}
	if a.Status != 429 || a.Limit != "requestsPerSecond" || a.Header.Get("Retry-After") != "1" {
		t.Errorf("%q %s", a.Header, a.Raw)
	}
	s.want(200, "GET /v1/tenants/tight", s.token("tight", "another", realtime.ManageTenant), "")
	for range 5 {
		s.want(200, "GET /v1/tenants/tight", s.operator(), "")
	}
}

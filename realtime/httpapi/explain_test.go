package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/wire"
)

type explained struct {
	Publish struct{ Outcome, Code, Detail string }
	Access  *struct {
		User                        string
		Connect, Subscribe, Publish struct{ Outcome, Code, Limit, Detail string }
	}
	Subscriptions []struct{ User, Outcome, Rule, Detail string }
	Complete      bool
}

func (s *service) explain(token, body string) (e explained) {
	s.t.Helper()
	a := s.call("POST /v1/tenants/acme/explain", token, body)
	if a.Status != 200 || json.Unmarshal([]byte(a.Raw), &e) != nil || !e.Complete {
		s.t.Fatalf("%s is answered %d %s", body, a.Status, a.Raw)
	}
	return e
}

// From "nothing arrives" to the reason, for the usual mistakes.
func TestWhyNothingArrives(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc, err := s.tenants.Stored(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	volatile := false
	doc.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &volatile}, Enforce: "tags.region == 'eu'"}}
	doc.Limits.PublishesPerSecond = 1
	if _, err := s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	ann := s.connect("acme", "ann")
	ann.reads("fleet:berlin")
	ops := s.operator()
	sign := func(c auth.Claims) string { return sign(t, doc, c) }
	publisher := sign(auth.Claims{User: "truck", Grants: realtime.Grants{Publish: []realtime.Pattern{"fleet:*"}}})
	for range 3 {
		s.call("POST /v1/tenants/acme/publish", sign(auth.Claims{User: "truck", Manage: []realtime.Manage{realtime.ManagePublish}}), `{"channel":"other:1","data":1}`)
	}

	e := s.explain(ops, `{"channel":"fleet:berlin","key":"v1","tags":{"region":"eu"},"data":1}`)
	if len(e.Subscriptions) != 1 || e.Subscriptions[0].Outcome != "delivered" || e.Publish.Outcome != "accepted" {
		t.Errorf("nothing stands in the way: %+v", e)
	}
	for _, tt := range []struct {
		name, body, want string
		got              func(e *explained) string
	}{
		{"another tenant", `{"channel":"fleet:berlin","key":"v1","token":"` + s.token("globex", "ann") + `"}`, `forbidden the token is of tenant "globex"`, func(e *explained) string { return e.Access.Connect.Code + " " + e.Access.Connect.Detail }},
		{"no grant", `{"channel":"fleet:berlin","key":"v1","token":"` + publisher + `"}`, `forbidden channel: no grant to subscribe to "fleet:berlin"`, func(e *explained) string { return e.Access.Subscribe.Code + " " + e.Access.Subscribe.Detail }},
		{"a filter", `{"channel":"fleet:berlin","key":"v1","tags":{"region":"us"},"user":"ann"}`, `filtered namespaces.fleet.enforce tags.region == 'eu' is false`, func(e *explained) string {
			return e.Subscriptions[0].Outcome + " " + e.Subscriptions[0].Rule + " " + e.Subscriptions[0].Detail
		}},
		{"a rule of the namespace", `{"channel":"fleet:berlin","key":"v1","transient":true}`, `refused bad-request transient: `, func(e *explained) string {
			return e.Publish.Outcome + " " + e.Publish.Code + " " + e.Publish.Detail
		}},
		{"a limit", `{"channel":"fleet:berlin","key":"v1","token":"` + publisher + `"}`, `limited publishesPerSecond`, func(e *explained) string { return e.Access.Publish.Code + " " + e.Access.Publish.Limit }},
		{"another channel", `{"channel":"fleet:Berlin","key":"v1","tags":{"region":"eu"},"user":"ann"}`, `not-subscribed it reads fleet:berlin`, func(e *explained) string { return e.Subscriptions[0].Outcome + " " + e.Subscriptions[0].Detail }},
	} {
		e := s.explain(ops, tt.body)
		if got := tt.got(&e); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := ann.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping","id":9}`)); err != nil {
		t.Fatal(err)
	}
	ann.expect(wire.TypePong, "") // and nothing else has come
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, tt := range []struct {
		name, body string
		status     int
		detail     string
	}{
		{"no channel", `{}`, 400, "channel: "},
		{"an unknown field", `{"channel":"a:b","dta":1}`, 400, "dta"},
		{"a limit", `{"channel":"a:b","limit":0}`, 400, "limit: must be 1 to 1000, got 0"},
		{"a long user", `{"channel":"a:b","user":"` + strings.Repeat("x", 201) + `"}`, 400, "user: must be at most 200 bytes, got 201"},
		{"much data", `{"channel":"a:b","data":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "data: must be at most 65536 bytes to be explained"},
		{"a reserved channel", `{"channel":"$demand:x"}`, 400, "channel: "},
	} {
		a := s.call("POST /v1/tenants/acme/explain", s.operator(), tt.body)
		if a.Status != tt.status || !strings.Contains(a.Detail, tt.detail) {
			t.Errorf("%s: %d %s", tt.name, a.Status, a.Raw)
		}
	}
	parts := httpapi.Parts()
	for i, p := range parts {
		if p == realtime.ManageExplain {
			parts = append(parts[:i:i], parts[i+1:]...)
		}
	}
	s.want(403, "POST /v1/tenants/acme/explain", s.token("acme", "bob", parts...), `{"channel":"a:b"}`)
	s.want(200, "POST /v1/tenants/acme/explain", s.token("acme", "bob", realtime.ManageExplain), `{"channel":"a:b"}`)
	s.want(403, "POST /v1/tenants/globex/explain", s.token("acme", "bob", realtime.ManageExplain), `{"channel":"a:b"}`)
	e := s.explain(s.operator(), `{"channel":"a:b","token":"x.y.z"}`)
	if e.Access.Connect.Outcome != "refused" || e.Access.Connect.Code == "" || e.Access.User != "" {
		t.Errorf("of no token: %+v", e.Access)
	}
}

// What the API may publish it is said to, also where hooks decide about others.
func TestExplainBesideHooks(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc, err := s.tenants.Stored(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	doc.Hooks = []realtime.Hook{{Name: "crm", URL: "https://crm.example/hook", On: []string{"publish"}, Secrets: []string{"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}}}
	if doc, err = s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	s.want(200, "POST /v1/tenants/acme/publish", s.operator(), `{"channel":"a:b","data":1}`)
	token := sign(t, doc, auth.Claims{User: "bob", Grants: realtime.Grants{Publish: []realtime.Pattern{"**"}}})
	e := s.explain(s.operator(), `{"channel":"a:b","token":"`+token+`"}`)
	if e.Publish.Outcome != "accepted" || e.Access.Publish.Outcome != "refused" || !strings.Contains(e.Access.Publish.Detail, "hooks decide") {
		t.Errorf("%+v", e)
	}
}

package httpapi_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/wire"
)

// reads has a peer read a channel.
func (p *peer) reads(channel string) {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"`+channel+`"}`)); err != nil {
		p.t.Fatal(err)
	}
	p.expect(wire.TypeOK, "")
}

var asOf = regexp.MustCompile(`,"asOf":"[^"]*"|,"since":[0-9]+`)

// Who reads what is seen by HTTP: by operators, by tokens with the part, and by tokens with the grant.
func TestPresenceByHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := tenant("acme")
	token := func(g realtime.Grants, parts ...realtime.Manage) string {
		return sign(t, doc, auth.Claims{User: "bob", Grants: g, Manage: parts})
	}
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	s.connect("globex", "eve").reads("board:7")
	ann.reads("board:7")
	bob.reads("board:7")
	bob.reads("sensors:1")
	bob.reads("sensors:2")
	any := []realtime.Pattern{"**"}
	for _, tt := range []struct {
		name, call, token string
		status            int
		want              string
	}{
		{"members", "/channels/board:7/presence", s.operator(), 200, `{"members":[{"user":"ann","groups":["anns"]},{"user":"bob","groups":["bobs"]}],"count":2,"connections":2,"users":2,"complete":true}`},
		{"by the part", "/channels/board:7/presence", token(realtime.Grants{}, realtime.ManagePresence), 200, `{"members":[{"user":"ann","groups":["anns"]},{"user":"bob","groups":["bobs"]}],"count":2,"connections":2,"users":2,"complete":true}`},
		{"by a grant", "/channels/sensors:1/presence", token(realtime.Grants{Presence: []realtime.Pattern{"sensors:1"}}), 200, `{"members":[{"user":"bob","groups":["bobs"]}],"count":1,"connections":1,"users":1,"complete":true}`},
		{"nobody", "/channels/none/presence", token(realtime.Grants{Presence: any}), 200, `{"members":[],"count":0,"connections":0,"users":0,"complete":true}`},
		{"another channel's grant", "/channels/board:7/presence", token(realtime.Grants{Subscribe: any, Presence: []realtime.Pattern{"sensors:1"}}), 403, ""},
		{"of a reserved channel", "/channels/$demand:x/presence", s.operator(), 400, ""},
		{"a parameter too many", "/channels/board:7/presence?limit=3", s.operator(), 400, ""},
		{"channels", "/channels", s.operator(), 200, `{"channels":[{"channel":"board:7","connections":2,"users":2},{"channel":"sensors:1","connections":1,"users":1},{"channel":"sensors:2","connections":1,"users":1}],"complete":true}`},
		{"channels by prefix", "/channels?prefix=sensors:&limit=1", token(realtime.Grants{}, realtime.ManageConnections), 200, `{"channels":[{"channel":"sensors:1","connections":1,"users":1}],"next":"sensors:1","complete":true}`},
		{"the next page", "/channels?prefix=sensors:&limit=1&after=sensors:1", s.operator(), 200, `{"channels":[{"channel":"sensors:2","connections":1,"users":1}],"complete":true}`},
		{"channels by a grant", "/channels", token(realtime.Grants{Subscribe: any, Presence: any, Demand: any}, realtime.ManagePresence, realtime.ManageDemand), 403, ""},
		{"an order", "/channels?order=connections", s.operator(), 400, ""},
		{"a limit too large", "/channels?limit=1001", s.operator(), 400, ""},
		{"a prefix too long", "/channels?prefix=" + strings.Repeat("a", 201), s.operator(), 400, ""},
		{"demand", "/demand?namespace=sensors", token(realtime.Grants{}, realtime.ManageDemand), 200, `{"channels":[{"channel":"sensors:1","watchers":1,"users":1},{"channel":"sensors:2","watchers":1,"users":1}],"complete":true}`},
		{"demand by a grant", "/demand?namespace=sensors&after=sensors:1", token(realtime.Grants{Demand: []realtime.Pattern{"sensors:**"}}), 200, `{"channels":[{"channel":"sensors:2","watchers":1,"users":1}],"complete":true}`},
		{"demand by a grant for a part", "/demand?namespace=sensors", token(realtime.Grants{Demand: []realtime.Pattern{"sensors:1"}}), 403, ""},
		{"demand of nothing", "/demand", s.operator(), 400, ""},
		{"demand of a channel", "/demand?namespace=sensors:1", s.operator(), 400, ""},
	} {
		a := s.call("GET /v1/tenants/acme"+tt.call, tt.token, "")
		if got := strings.TrimSpace(asOf.ReplaceAllString(a.Raw, "")); a.Status != tt.status || tt.want != "" && got != tt.want {
			t.Errorf("%s: %d %s\nwant %d %s", tt.name, a.Status, got, tt.status, tt.want)
		}
		time.Sleep(10 * time.Millisecond) // an instance answers 20 questions a second
	}
}

// Calls of a tenant's own token count against its requests.
func TestPresenceByHTTPIsLimited(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc, err := s.tenants.Stored(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	doc.Limits.RequestsPerSecond = 1
	if _, err := s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	token, limited := s.token("acme", "backend", httpapi.Parts()...), 0
	for range 50 {
		if a := s.call("GET /v1/tenants/acme/channels/x/presence", token, ""); a.Limit == "requestsPerSecond" {
			limited++
		}
	}
	if limited == 0 {
		t.Error("no call was refused")
	}
}

func TestWithoutSurvey(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *httpapi.Options) { o.Survey = nil })
	for _, call := range []string{"/channels", "/channels/x/presence", "/demand?namespace=x"} {
		s.want(404, "GET /v1/tenants/acme"+call, s.operator(), "")
	}
}

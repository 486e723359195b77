package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/webhook"
)

// patience is how long a test waits for what has to come.
const patience = 60 * time.Second

// frame is as much of a frame as these tests look at.
type frame struct {
	Type, Code, Message, Channel string
	ID                           json.RawMessage
	Data                         json.RawMessage
	Tags                         map[string]string
}

// place is a gateway with two tenants, of which acme has hooks.
type place struct {
	t       *testing.T
	url     string
	tenants map[string]*realtime.Tenant
}

func newPlace(t *testing.T, hooks gateway.Hooks, of ...realtime.Hook) *place {
	t.Helper()
	p := &place{t: t, tenants: map[string]*realtime.Tenant{}}
	var docs []*realtime.Tenant
	for _, id := range []string{"acme", "globex"} {
		doc := &realtime.Tenant{ID: id, Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k", Alg: "HS256", Secret: strings.Repeat(id, 10)}}}}
		if id == "acme" {
			doc.Hooks = tenantOf(t, of...).Hooks
		}
		doc.Limits = realtime.Limits{FramesPerSecond: 10_000, PublishesPerSecond: 10_000, SubscribesPerSecond: 10_000, ConnectsPerSecond: 10_000, ConnectionsPerUser: 1000}
		p.tenants[id] = doc
		docs = append(docs, doc)
	}
	tenants, err := memory.NewTenants(docs...)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Broker: memory.NewBroker(memory.BrokerOptions{}), Tenants: tenants, Hooks: hooks, DrainSpread: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	p.url = "ws" + strings.TrimPrefix(server.URL, "http") + "/v1/socket"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return p
}

// user is a connected socket.
type user struct {
	t  *testing.T
	ws *websocket.Conn
}

// dial opens a socket. The first frame is to be read.
func (p *place) dial(tenant, name string) *user {
	p.t.Helper()
	signer, err := auth.NewSigner(p.tenants[tenant])
	if err != nil {
		p.t.Fatal(err)
	}
	all := []realtime.Pattern{"**"}
	token, err := signer.Sign(auth.Claims{User: name, Grants: realtime.Grants{Subscribe: all, Publish: all}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		p.t.Fatal(err)
	}
	ws, resp, err := websocket.DefaultDialer.Dial(p.url, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	p.t.Cleanup(func() { _ = ws.Close() })
	return &user{p.t, ws}
}

func (p *place) connect(tenant, name string) *user {
	p.t.Helper()
	u := p.dial(tenant, name)
	if f := u.next(); f.Type != "welcome" {
		p.t.Fatalf("%+v in place of welcome", f)
	}
	return u
}

func (u *user) send(format string, args ...any) {
	u.t.Helper()
	if err := u.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		u.t.Fatal(err)
	}
}

// next returns the next frame but heartbeats.
func (u *user) next() (f frame) {
	u.t.Helper()
	for f.Type == "" || f.Type == "heartbeat" {
		_ = u.ws.SetReadDeadline(time.Now().Add(patience))
		_, text, err := u.ws.ReadMessage()
		if err != nil {
			u.t.Fatal(err)
		}
		f = frame{}
		if err := json.Unmarshal(text, &f); err != nil {
			u.t.Fatal(err)
		}
	}
	return f
}

// A tenant's hook decides for its clients, through a gateway: who connects, what they read and publish, and what their calls are answered.
func TestThroughAGateway(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_, kind, _ := strings.Cut(r.Header.Get("Ce-Type"), "connection.")
		switch subject := r.Header.Get("Ce-Subject"); kind + " " + subject {
		case "subscribe.v1 board:secret":
			says(`{"code":"forbidden","message":"not yours"}`)(w, r)
		case "publish.v1 board:1":
			says(`{"tags":{"by":"hook"},"data":{"seen":true}}`)(w, r)
		case "call.v1 orders.place":
			says(`{"data":{"order":7}}`)(w, r)
		case "connect.v1 ":
			says(`{"grants":{"subscribe":["board:*"],"publish":["board:*"]}}`)(w, r)
		default:
			w.WriteHeader(204)
		}
	})
	p := newPlace(t, newHooks(t, webhook.Options{Network: s.network()}), realtime.Hook{URL: s.url(), On: []string{"connect", "subscribe", "publish", "call:orders.*"}})
	u := p.connect("acme", "ann")
	for _, c := range []struct{ sent, want string }{
		{`{"type":"subscribe","id":1,"channel":"board:1"}`, "ok"},
		{`{"type":"subscribe","id":2,"channel":"board:secret"}`, "error forbidden not yours"},
		{`{"type":"subscribe","id":3,"channel":"prices:1"}`, "error forbidden"},
		{`{"type":"call","id":4,"route":"orders.place","data":{}}`, `ok {"order":7}`},
		{`{"type":"call","id":5,"route":"other","data":{}}`, "error not-found"},
	} {
		u.send("%s", c.sent)
		f := u.next()
		if got := strings.TrimSpace(strings.Join([]string{f.Type, f.Code, f.Message, string(f.Data)}, " ")); !strings.HasPrefix(strings.Join(strings.Fields(got), " "), c.want) {
			t.Errorf("%s: %s, want %s", c.sent, got, c.want)
		}
	}
	u.send(`{"type":"publish","id":6,"channel":"board:1","data":{"seen":false}}`)
	for range 2 {
		if f := u.next(); f.Type == "message" && (string(f.Data) != `{"seen":true}` || f.Tags["by"] != "hook") || f.Type == "error" {
			t.Errorf("%+v", f)
		}
	}
	if n := s.count(); n != 5 {
		t.Errorf("the hook was asked %d times, want 5: connect, two subscribes, publish and call", n)
	}
}

// While a hook does not answer, nobody waits who does not ask it: not other tenants, not other sockets of its tenant, and not those that had their answer.
func TestOthersDoNotWait(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { <-release; w.WriteHeader(204) })
	p := newPlace(t, newHooks(t, webhook.Options{Network: s.network()}),
		realtime.Hook{URL: s.url(), On: []string{"subscribe", "publish"}, Channels: []realtime.Pattern{"slow:*"}, Timeout: realtime.Duration(10 * time.Second)})
	const stuck = 20
	var waiting []*user
	for i := range stuck {
		u := p.connect("acme", fmt.Sprint("w", i))
		if i%2 == 0 {
			u.send(`{"type":"subscribe","id":1,"channel":"slow:1"}`)
		} else {
			u.send(`{"type":"publish","id":1,"channel":"slow:1","data":1}`)
		}
		waiting = append(waiting, u)
	}
	for s.count() < stuck {
		time.Sleep(time.Millisecond)
	}
	for _, tenant := range []string{"acme", "globex"} {
		u := p.connect(tenant, "ann")
		u.send(`{"type":"subscribe","id":0,"channel":"board:1"}`)
		u.next()
		const n = 500
		for i := range n {
			u.send(`{"type":"publish","id":%d,"channel":"board:1","data":%d}`, i+1, i)
			for range 2 { // its answer and itself
				if f := u.next(); f.Type == "error" {
					t.Fatalf("%s: %+v", tenant, f)
				}
			}
		}
		if s.count() != stuck {
			t.Errorf("%s: the hook was asked %d times, want %d", tenant, s.count(), stuck)
		}
	}
	close(release)
	for i, u := range waiting {
		if f := u.next(); f.Type != "ok" {
			t.Errorf("the one who had waited: %d %+v", i, f)
		}
	}
}

// A gateway that does not call the hooks of documents lets nobody past them.
func TestHooksThatNobodyCalls(t *testing.T) {
	t.Parallel()
	for name, hooks := range map[string]gateway.Hooks{"no hooks": nil, "hooks of the program": gateway.HookFuncs{}} {
		p := newPlace(t, hooks, realtime.Hook{URL: "https://hook.example", On: []string{"subscribe", "publish", "call:a"}, Channels: []realtime.Pattern{"board:*"}})
		u := p.connect("acme", "ann")
		for _, c := range []struct{ sent, want string }{
			{`{"type":"subscribe","id":1,"channel":"board:1"}`, "error unavailable"},
			{`{"type":"subscribe","id":2,"channel":"**"}`, "error unavailable"},
			{`{"type":"publish","id":3,"channel":"board:1","data":1}`, "error unavailable"},
			{`{"type":"call","id":4,"route":"a"}`, "error unavailable"},
			{`{"type":"call","id":5,"route":"b"}`, "error not-found"},
			{`{"type":"subscribe","id":6,"channel":"other:1"}`, "ok "},
			{`{"type":"publish","id":7,"channel":"other:2","data":1}`, "ok "},
		} {
			u.send("%s", c.sent)
			if f := u.next(); f.Type+" "+f.Code != c.want {
				t.Errorf("%s: %s: %+v", name, c.sent, f)
			}
		}
		q := newPlace(t, hooks, realtime.Hook{URL: "https://hook.example", On: []string{"connect"}})
		if f := q.dial("acme", "ann").next(); f.Code != "unavailable" {
			t.Errorf("%s: connect: %+v", name, f)
		}
		q.connect("globex", "ann")
	}
}

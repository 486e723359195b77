package gateway_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// patience is how long a test waits for what has to come.
const patience = 10 * time.Second

// service is a gateway behind a real server, on memory drivers.
type service struct {
	t       *testing.T
	tenants *memory.Tenants
	gateway *gateway.Gateway
	url     string // http://...
	counts  *counts
}

// start runs a gateway for a test. Options that it does not set have their defaults.
func start(t *testing.T, o gateway.Options, docs ...*realtime.Tenant) *service {
	t.Helper()
	if len(docs) == 0 {
		docs = []*realtime.Tenant{tenant("acme"), tenant("globex")}
	}
	tenants, err := memory.NewTenants(docs...)
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	s := &service{t: t, tenants: tenants, counts: newCounts()}
	if o.Metrics = s.counts; o.Broker == nil {
		o.Broker = broker
	}
	if o.Tenants == nil {
		o.Tenants = tenants
	}
	if o.DrainSpread == 0 {
		o.DrainSpread = 2 * time.Second
	}
	if s.gateway, err = gateway.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.gateway)
	s.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.gateway.Close(ctx); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
		server.Close()
		if err := broker.Close(context.Background()); err != nil {
			t.Errorf("closing the broker: %v", err)
		}
	})
	return s
}

// tenant is a document with a key to sign tokens with.
func tenant(id string) *realtime.Tenant {
	return &realtime.Tenant{
		ID:   id,
		Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat(id, 32)}}},
	}
}

// everything grants all channels for all actions.
func everything() realtime.Grants {
	all := []realtime.Pattern{"**"}
	return realtime.Grants{Subscribe: all, Publish: all, Presence: all, Enter: all, Demand: all}
}

func (s *service) token(tenant, user string, change ...func(*auth.Claims)) string {
	s.t.Helper()
	doc, err := s.tenants.Tenant(s.t.Context(), tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	signer, err := auth.NewSigner(doc)
	if err != nil {
		s.t.Fatal(err)
	}
	c := auth.Claims{User: user, Grants: everything(), Expires: time.Now().Add(time.Hour)}
	for _, f := range change {
		f(&c)
	}
	token, err := signer.Sign(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// peer is a plain WebSocket client.
type peer struct {
	t  *testing.T
	ws *websocket.Conn
}

// dial opens a socket; without a token the handshake holds none.
func (s *service) dial(token string) *peer {
	s.t.Helper()
	header := http.Header{"Sec-Websocket-Protocol": {wire.Subprotocol}}
	if token != "" {
		header["Sec-Websocket-Protocol"] = []string{wire.Subprotocol + ", bearer." + token}
	}
	return s.dialWith(header, "")
}

func (s *service) dialWith(header http.Header, query string) *peer {
	s.t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/socket"+query, header)
	if err != nil {
		s.t.Fatalf("dial: %v", err)
	}
	_ = resp.Body.Close()
	s.t.Cleanup(func() { _ = ws.Close() })
	return &peer{t: s.t, ws: ws}
}

// connect opens a socket with a token of the user and takes its welcome.
func (s *service) connect(tenant, user string, change ...func(*auth.Claims)) *peer {
	s.t.Helper()
	p := s.dial(s.token(tenant, user, change...))
	p.expect(`{"type":"welcome","user":"` + user + `","tenant":"` + tenant + `"}`)
	return p
}

// connectBriefly opens a socket with a token that ends as soon as may be: soon, or
// later on a machine on which connecting takes longer than that.
func (s *service) connectBriefly(tenant, user string) *peer {
	s.t.Helper()
	for lasts := 2 * time.Second; lasts < time.Minute; lasts *= 2 {
		p := s.dial(s.token(tenant, user, ends(lasts)))
		if f, err := p.next(); err == nil && f.Type == wire.TypeWelcome {
			return p
		}
	}
	s.t.Fatal("no token lasts until its client is connected")
	return nil
}

// ends makes a token end after a while.
func ends(after time.Duration) func(*auth.Claims) {
	return func(c *auth.Claims) { c.Expires = time.Now().Add(after) }
}

// send sends frames as they are written.
func (p *peer) send(frames ...string) {
	p.t.Helper()
	for _, f := range frames {
		if err := p.ws.WriteMessage(websocket.TextMessage, []byte(f)); err != nil {
			p.t.Fatalf("send %.100s: %v", f, err)
		}
	}
}

// next returns the next frame that is no heartbeat.
func (p *peer) next() (wire.ServerFrame, error) {
	p.t.Helper()
	for {
		if err := p.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			p.t.Fatal(err)
		}
		_, payload, err := p.ws.ReadMessage()
		if err != nil {
			return wire.ServerFrame{}, err
		}
		f, err := wire.DecodeServer(payload)
		if err != nil {
			p.t.Fatalf("%s: %v", payload, err)
		}
		if f.Type != wire.TypeHeartbeat {
			return f, nil
		}
	}
}

// expect takes one frame for each wanted one and compares the members that are named.
func (p *peer) expect(wants ...string) (got wire.ServerFrame) {
	p.t.Helper()
	for _, want := range wants {
		var err error
		if got, err = p.next(); err != nil {
			p.t.Fatalf("instead of %s: %v", want, err)
		}
		if diff := differs(got, want); diff != "" {
			p.t.Fatalf("want %s: %s", want, diff)
		}
	}
	return got
}

// take takes n frames, by the ID or else the channel that they name.
func (p *peer) take(n int) map[string]wire.ServerFrame {
	p.t.Helper()
	all := map[string]wire.ServerFrame{}
	for range n {
		f, err := p.next()
		if err != nil {
			p.t.Fatal(err)
		}
		all[cmp.Or(string(f.ID), f.Channel)] = f
	}
	return all
}

// differs compares a frame with the members that want names.
func differs(got wire.ServerFrame, want string) string {
	text, err := json.Marshal(got)
	if err != nil {
		return err.Error()
	}
	var have, wanted map[string]any
	if err := json.Unmarshal(text, &have); err != nil {
		return err.Error()
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		return err.Error()
	}
	for name, value := range wanted {
		if fmt.Sprint(have[name]) != fmt.Sprint(value) && (have[name] != nil || fmt.Sprint(value) != "false" && fmt.Sprint(value) != "0") {
			return fmt.Sprintf("%s is %v in %s", name, have[name], text)
		}
	}
	return ""
}

// closed takes what comes until the socket is closed, which has to be with the code. It returns the last frame.
func (p *peer) closed(code int) (last wire.ServerFrame) {
	p.t.Helper()
	for {
		f, err := p.next()
		if err != nil {
			if !websocket.IsCloseError(err, code) {
				p.t.Fatalf("want close code %d, got %v after %+v", code, err, last)
			}
			_ = p.ws.Close()
			return last
		}
		last = f
	}
}

// counts is a realtime.Metrics that can be asked.
type counts struct {
	mu      sync.Mutex // guards all below
	m       map[string]int
	changed *sync.Cond
}

func newCounts() *counts {
	c := &counts{m: map[string]int{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *counts) Add(name realtime.Counter, _ string, reason realtime.Reason, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[string(name)+" "+string(reason)] += n
	c.changed.Broadcast()
}

func (c *counts) Level(realtime.Gauge, string, int) {}

func (c *counts) Took(realtime.Timing, string, time.Duration) {}

func (c *counts) of(name realtime.Counter, reason realtime.Reason) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[string(name)+" "+string(reason)]
}

// await waits until something has been counted.
func (c *counts) await(name realtime.Counter, reason realtime.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.m[string(name)+" "+string(reason)] == 0 {
		c.changed.Wait()
	}
}

// toJSON is a value as JSON.
func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

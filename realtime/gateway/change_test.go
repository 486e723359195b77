package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// documents is a realtime.Tenants whose documents change and that can be down.
type documents struct {
	mu    sync.Mutex // guards all below
	docs  map[string]*realtime.Tenant
	err   error
	told  chan struct{}   // holds one: it was asked while down
	gone  map[string]bool // that were deleted
	asked func()          // not nil: called with mu held after each answer was chosen
}

func newDocuments(docs ...*realtime.Tenant) *documents {
	d := &documents{docs: map[string]*realtime.Tenant{}, told: make(chan struct{}, 1), gone: map[string]bool{}}
	for _, t := range docs {
		d.docs[t.ID] = t
	}
	return d
}

func (d *documents) Tenant(_ context.Context, id string) (*realtime.Tenant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		select {
		case d.told <- struct{}{}:
		default:
		}
		return nil, d.err
	}
	doc := d.docs[id]
	if d.asked != nil {
		d.asked()
	}
	if d.gone[id] {
		return nil, realtime.TenantDeleted(0)
	}
	if doc == nil {
		return nil, realtime.Errorf(realtime.CodeNotFound, "tenant: is unknown")
	}
	return doc, nil
}

// change puts a changed copy of a document in the place of the old.
func (d *documents) change(id string, change func(*realtime.Tenant)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replace(id, change)
}

// replace is change with mu held.
func (d *documents) replace(id string, change func(*realtime.Tenant)) {
	t := *d.docs[id]
	change(&t)
	d.docs[id] = &t
}

func (d *documents) remove(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone[id] = true
}

// lose takes a document away, with a mark that it was deleted or without one.
func (d *documents) lose(id string, deleted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.docs, id)
	d.gone[id] = deleted
}

// find puts a document where it was, or where another one is.
func (d *documents) find(id string, doc *realtime.Tenant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.docs[id] = doc
	delete(d.gone, id)
}

func (d *documents) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// What a newer document takes from a client ends its connection, and nobody else's.
func TestDocumentThatClosesClients(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*documents)
		close  int
		code   realtime.Code
	}{
		{"suspended", func(d *documents) { d.change("acme", func(t *realtime.Tenant) { t.Suspended = true }) }, 4403, realtime.CodeSuspended},
		{"deleted", func(d *documents) { d.remove("acme") }, 4403, realtime.CodeForbidden},
		{"a key withdrawn", func(d *documents) {
			d.change("acme", func(t *realtime.Tenant) { t.Auth.Keys = tenant("initech").Auth.Keys })
		}, 4401, realtime.CodeUnauthorized},
		{"another issuer", func(d *documents) {
			d.change("acme", func(t *realtime.Tenant) { t.Auth.Issuer = "https://id.example.com" })
		}, 4401, realtime.CodeUnauthorized},
		{"its page not wanted", func(d *documents) {
			d.change("acme", func(t *realtime.Tenant) { t.Origins = []string{"https://other.example.com"} })
		}, 4403, realtime.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			acme, globex := tenant("acme"), tenant("globex")
			acme.Origins = []string{"https://app.example.com"}
			docs := newDocuments(acme, globex)
			s := start(t, gateway.Options{Tenants: docs})
			p := s.dialWith(http.Header{
				"Sec-Websocket-Protocol": {wire.Subprotocol + ", bearer." + s.token("acme", "ann")}, "Origin": {"https://app.example.com"},
			}, "")
			p.expect(`{"type":"welcome"}`)
			other := s.connect("globex", "bob")
			tt.change(docs)
			if f := p.closed(tt.close); f.Code != tt.code {
				t.Errorf("told %+v", f)
			}
			other.send(`{"id":1,"type":"ping"}`)
			other.expect(`{"type":"pong","id":1}`)
		})
	}
}

// All clients of a suspended tenant are closed, on socket or stream, and no other may come.
func TestSuspendedTenantIsEmptied(t *testing.T) {
	t.Parallel()
	docs := newDocuments(tenant("acme"), tenant("globex"))
	s := start(t, gateway.Options{Tenants: docs})
	peers := make([]*peer, 20)
	for i := range peers {
		peers[i] = s.connect("acme", "ann")
	}
	stream := s.open(s.token("acme", "bob"), "", "prices:fx")
	docs.change("acme", func(t *realtime.Tenant) { t.Suspended = true })
	for _, p := range peers {
		p.closed(4403)
	}
	var last event
	for e, ok := stream.next(); ok; e, ok = stream.next() {
		last = e
	}
	if last.name != "closing" || last.frame.Code != realtime.CodeSuspended {
		t.Errorf("the stream ended with %+v", last)
	}
	if f := s.dial(s.token("acme", "bob")).closed(4403); f.Code != realtime.CodeSuspended {
		t.Errorf("a new client was told %+v", f)
	}
}

// New limits and rules count for those who are connected.
func TestDocumentThatChangesLimits(t *testing.T) {
	t.Parallel()
	docs := newDocuments(tenant("acme"))
	s := start(t, gateway.Options{Tenants: docs})
	p := s.connect("acme", "ann")
	p.send(`{"id":1,"type":"subscribe","channel":"a:1"}`)
	p.expect(`{"type":"ok","id":1}`)
	docs.change("acme", func(t *realtime.Tenant) {
		t.Limits.SubscriptionsPerConnection, t.Limits.PublishesPerSecond, t.Limits.MessageBytes = 1, 1, 512
		t.Auth.Keys = append(t.Auth.Keys[:1:1], realtime.Key{KID: "k2", Alg: "HS256", Secret: strings.Repeat("x", 32)})
	})
	for refused := false; !refused; { // until it has come here
		p.send(`{"id":2,"type":"subscribe","channel":"a:2"}`)
		f := p.take(1)["2"]
		if refused = f.Limit == "subscriptionsPerConnection"; !refused {
			p.send(`{"id":3,"type":"unsubscribe","channel":"a:2"}`)
			p.expect(`{"type":"ok","id":3}`)
		}
		time.Sleep(50 * time.Millisecond) // under the limit of frames
	}
	const publishes = 20 // a bucket holds two, and one more a second, however many a busy machine takes
	for i := range publishes {
		p.send(fmt.Sprintf(`{"id":"p%d","type":"publish","channel":"b:1","data":1}`, i))
	}
	refused := 0
	got := p.take(publishes)
	for _, f := range got {
		if f.Limit == "publishesPerSecond" {
			refused++
		}
	}
	if got["p0"].Limit != "" || got["p1"].Limit != "" || refused == 0 {
		t.Errorf("publishes were answered %+v", got)
	}
	p.send(`{"id":7,"type":"publish","channel":"b:1","data":"` + strings.Repeat("x", 512) + `"}`)
	p.closed(4413)
}

// A document with the same words is no change.
func TestDocumentGivenOutAnew(t *testing.T) {
	t.Parallel()
	docs := newDocuments(tenant("acme"))
	s := start(t, gateway.Options{Tenants: docs})
	p := s.connect("acme", "ann")
	docs.change("acme", func(t *realtime.Tenant) { t.Auth.Keys = append([]realtime.Key(nil), t.Auth.Keys...) })
	docs.change("acme", func(t *realtime.Tenant) { t.Placement = realtime.PlacementOwn }) // what it was by default
	docs.fail(errors.New("down"))
	<-docs.told // a look after the changes
	p.send(`{"id":1,"type":"ping"}`)
	p.expect(`{"type":"pong","id":1}`)
}

// While documents cannot be read those who are connected stay, and new ones come back later.
func TestTenantsDown(t *testing.T) {
	t.Parallel()
	docs := newDocuments(tenant("acme"))
	s := start(t, gateway.Options{Tenants: docs})
	p := s.connect("acme", "ann")
	docs.fail(&realtime.Error{Code: realtime.CodeUnavailable, Message: "the store is down"})
	<-docs.told
	if f := s.dial(s.token("acme", "bob")).closed(1013); f.Code != realtime.CodeUnavailable || f.RetryAfterMs < 1000 {
		t.Errorf("a new client was told %+v", f)
	}
	p.send(`{"id":1,"type":"publish","channel":"a:1","data":1}`)
	p.expect(`{"type":"ok","id":1}`)
	docs.fail(nil)
	s.connect("acme", "bob")
	docs.change("acme", func(t *realtime.Tenant) { t.Suspended = true })
	p.closed(4403)
}

// Another topic is no reason to be closed: the client moves to it, in time. Who stays is closed.
func TestPlacementThatChanges(t *testing.T) {
	t.Parallel()
	docs := newDocuments(tenant("acme"))
	s := start(t, gateway.Options{Tenants: docs, Placement: realtime.Placed(2)})
	p := s.connect("acme", "ann")
	docs.change("acme", func(t *realtime.Tenant) {
		t.Placement, t.Moved = realtime.PlacementPooled, realtime.NewMoved("own", time.Now())
	})
	p.send(`{"id":0,"type":"ping"}`)
	p.expect(`{"type":"pong","id":0}`)
	docs.change("acme", func(t *realtime.Tenant) { t.Moved = realtime.NewMoved("own", time.Now().Add(-8*time.Minute)) })
	if f := p.expect(`{"type":"move"}`); f.AfterMs < 0 || f.AfterMs > 5000 {
		t.Errorf("asked to move %+v", f)
	}
	p.send(`{"id":1,"type":"ping"}`)
	p.expect(`{"type":"pong","id":1}`)
	docs.change("acme", func(t *realtime.Tenant) { t.Moved = realtime.NewMoved("own", time.Now().Add(-13*time.Minute)) })
	if f := p.closed(1012); f.RetryAfterMs <= 0 {
		t.Errorf("who stays was told %+v", f)
	}
}

// A client whose tenant was suspended while its token was verified is not admitted.
func TestSuspendedMeanwhile(t *testing.T) {
	t.Parallel()
	suspended := tenant("acme")
	suspended.Suspended = true
	docs := newDocuments(suspended)
	verifier := auth.New(newDocuments(tenant("acme")), auth.Options{})
	t.Cleanup(func() { _ = verifier.Close() })
	s := start(t, gateway.Options{Tenants: docs, Verifier: verifier})
	if f := s.dial(s.token("acme", "ann")).closed(4403); f.Code != realtime.CodeSuspended {
		t.Errorf("told %+v", f)
	}
}

package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// A panic in any function of the program's own ends what it was asked about, is counted, and nothing else ends.
func TestPanicsOfOnesOwnProgram(t *testing.T) {
	t.Parallel()
	var remote atomic.Bool
	s := start(t, gateway.Options{
		Remote: func(*http.Request) string {
			if remote.Load() {
				panic("in Remote")
			}
			return "10.0.0.1"
		},
		Hooks: gateway.HookFuncs{
			OnConnect: func(_ context.Context, e *gateway.ConnectEvent) (gateway.ConnectResult, error) {
				if e.Principal.User == "connect" {
					panic("in Connect")
				}
				return gateway.ConnectResult{}, nil
			},
			OnSubscribe: func(_ context.Context, _ *gateway.Client, ch realtime.Channel) error {
				if ch.Name() == "a:bad" {
					panic("in Subscribe")
				}
				return nil
			},
			OnPublish: func(_ context.Context, _ *gateway.Client, p *realtime.Publication) error {
				if p.Key == "bad" {
					panic("in Publish")
				}
				return nil
			},
			OnCall: func(context.Context, *gateway.Client, string, json.RawMessage) (any, error) {
				return explosive{}, nil
			},
			OnDisconnect: func(context.Context, *gateway.Client, realtime.Code) { panic("in Disconnect") },
		},
	})
	good := s.connect("acme", "ann")
	for _, p := range []*peer{s.dial(s.token("acme", "connect")), s.dial("")} {
		_ = p.ws.WriteMessage(1, []byte(`{"type":"connect","token":"`+s.token("acme", "connect")+`"}`))
		if last := p.closed(1011); last.Code != realtime.CodeInternal || last.Message != "something went wrong" {
			t.Errorf("%+v", last)
		}
	}
	if resp := s.get("/v1/events?channel=a:1", http.Header{"Authorization": {"Bearer " + s.token("acme", "connect")}}); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("events: %s", resp.Status)
	}
	good.send(`{"type":"subscribe","id":1,"channel":"a:bad"}`)
	good.expect(`{"type":"error","id":1,"code":"internal","channel":"a:bad"}`)
	good.send(`{"type":"publish","id":2,"channel":"a:1","key":"bad","data":1}`)
	good.expect(`{"type":"error","id":2,"code":"internal"}`)
	good.send(`{"type":"call","id":3,"route":"x"}`)
	good.expect(`{"type":"error","id":3,"code":"internal"}`)
	leaves := s.connect("acme", "bob")
	_ = leaves.ws.Close()
	s.counts.await(realtime.CountPanics, contain.Hook)

	remote.Store(true)
	for _, path := range []string{"/v1/socket", "/v1/events?channel=a:1"} {
		resp := s.get(path, http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
		if resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if n := s.counts.of(realtime.CountPanics, contain.Request); n != 2 {
		t.Errorf("%d panics of requests were counted", n)
	}
	good.send(`{"type":"publish","id":4,"channel":"a:1","data":1}`)
	good.expect(`{"type":"ok","id":4}`)
	// That start's Close returns shows that nobody is left inside.
}

// explosive cannot be written as JSON.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("in MarshalJSON") }

// moodyRegistry panics at each write.
type moodyRegistry struct{ realtime.Registry }

func (moodyRegistry) Renew(context.Context, realtime.Lease) error             { panic("in Renew") }
func (moodyRegistry) Connect(context.Context, []realtime.ConnectionDoc) error { panic("in Connect") }
func (moodyRegistry) Disconnect(context.Context, []realtime.ConnectionRef) error {
	panic("in Disconnect")
}
func (moodyRegistry) Release(context.Context, string) error { return nil }

func TestRegistryThatPanics(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Registry: moodyRegistry{memory.NewRegistry()}})
	p := s.connect("acme", "ann")
	s.counts.await(realtime.CountPanics, contain.Sweep)
	p.send(`{"type":"publish","id":4,"channel":"a:1","data":1}`)
	p.expect(`{"type":"ok","id":4}`)
}

// Hooks that do not return hold up their own connections, and once these are all that a tenant may have, its newcomers; other
// tenants do not notice.
func TestStuckHooksAreTheirTenants(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	doc := tenant("acme")
	doc.Limits.Connections = 3
	entered := make(chan struct{}, 10)
	s := start(t, gateway.Options{HookTimeout: time.Minute, Hooks: gateway.HookFuncs{
		OnCall: func(_ context.Context, c *gateway.Client, _ string, _ json.RawMessage) (any, error) {
			if c.Principal.Tenant == "acme" {
				entered <- struct{}{}
				<-stuck
			}
			return 1, nil
		},
	}}, doc, tenant("globex"))
	t.Cleanup(func() { close(stuck) })
	for range 3 { // each leaves its call behind
		p := s.connect("acme", "ann")
		p.send(`{"type":"call","id":1,"route":"x"}`)
		<-entered
		_ = p.ws.Close()
	}
	if last := s.dial(s.token("acme", "ann")).closed(4429); last.Limit != "connections" {
		t.Errorf("a fourth: %+v", last)
	}
	p := s.connect("globex", "bob")
	p.send(`{"type":"call","id":1,"route":"x"}`)
	p.expect(`{"type":"ok","id":1}`)
}

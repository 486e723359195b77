package gateway_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
)

// choosy wants what is about one tenant and has one of the subjects, and notes what it is asked.
type choosy struct {
	gateway.HookFuncs
	tenant   string
	subjects []string

	mu     sync.Mutex
	called []string
}

func (c *choosy) Wants(q hook.Question) bool {
	return q.Tenant != nil && q.Tenant.ID == c.tenant && slices.Contains(c.subjects, string(q.Event)+" "+q.Subject)
}

func (c *choosy) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.called = append(c.called, what)
}

func (c *choosy) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.called
	c.called = nil
	return taken
}

func (c *choosy) Subscribe(_ context.Context, client *gateway.Client, ch realtime.Channel) error {
	c.note("subscribe " + client.Tenant.ID + " " + ch.Name())
	return nil
}

func (c *choosy) Publish(_ context.Context, client *gateway.Client, p *realtime.Publication) error {
	c.note("publish " + client.Tenant.ID + " " + p.Channel.Name())
	return nil
}

func (c *choosy) Call(_ context.Context, client *gateway.Client, route string, _ json.RawMessage) (any, error) {
	c.note("call " + client.Tenant.ID + " " + route)
	return nil, nil
}

// Hooks that say what they want are called for nothing else.
func TestSelectiveHooks(t *testing.T) {
	t.Parallel()
	hooks := &choosy{tenant: "acme", subjects: []string{"subscribe board:1", "publish board:5", "call place"}}
	s := start(t, gateway.Options{Hooks: hooks})
	for _, c := range []struct {
		tenant string
		want   []string
	}{
		{"acme", []string{"subscribe acme board:1", "publish acme board:5", "call acme place"}},
		{"globex", nil},
	} {
		p := s.connect(c.tenant, "ann")
		hooks.taken()
		for _, frames := range []struct{ sent, answer string }{
			{`{"type":"subscribe","id":1,"channel":"board:1"}`, `{"type":"ok","id":1}`},
			{`{"type":"subscribe","id":2,"channel":"board:2"}`, `{"type":"ok","id":2}`},
			{`{"type":"publish","id":3,"channel":"board:3","data":1}`, `{"type":"ok","id":3}`},
			{`{"type":"publish","id":4,"channel":"board:5","data":1}`, `{"type":"ok","id":4}`},
			{`{"type":"call","id":5,"route":"cancel"}`, `{"type":"error","id":5,"code":"not-found"}`},
			{`{"type":"unsubscribe","id":6,"channel":"board:1"}`, `{"type":"ok","id":6}`},
		} {
			p.send(frames.sent)
			p.expect(frames.answer)
		}
		p.send(`{"type":"call","id":7,"route":"place"}`)
		if c.tenant == "acme" {
			p.expect(`{"type":"ok","id":7}`)
		} else {
			p.expect(`{"type":"error","id":7,"code":"not-found"}`)
		}
		if got := hooks.taken(); !slices.Equal(got, c.want) {
			t.Errorf("%s: called for %q, want %q", c.tenant, got, c.want)
		}
	}
}

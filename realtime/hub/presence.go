package hub

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/stream"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// PresenceRequest asks who is present on a channel, on all instances.
type PresenceRequest = fleet.Request

// Presence answers who is present on a channel. The answer comes when all instances have been heard, which takes a moment where nobody has asked for
// a while. A watch counts as a subscription of the connection. It refuses with CodeForbidden or CodeLimited (subscriptionsPerConnection).
func (h *Hub) Presence(c *Connection, req *PresenceRequest) error {
	c.feed.lock()
	defer c.feed.unlock()
	return c.feed.fleet.Ask(c, req)
}

// Enter makes a connection a member of a channel, with data of its own, or gives it other data; update refuses to enter. data is compact JSON, and not
// changed afterwards. It counts as a subscription. Errors: CodeForbidden, CodeLimited, CodeNotFound if it has not entered what it updates.
func Enter(c *Connection, name realtime.Channel, data json.RawMessage, update bool) error {
	c.feed.lock()
	defer c.feed.unlock()
	return c.feed.fleet.Enter(c, name, data, update)
}

// Exit ends that. Errors: CodeNotFound.
func Exit(c *Connection, name realtime.Channel) error {
	c.feed.lock()
	defer c.feed.unlock()
	return c.feed.fleet.Exit(c, name)
}

// joined and left are told about each reader of each channel.
func joined(r *channel.Reader) {
	c := connectionOf(r)
	c.feed.fleet.Joined(c, r.Channel(), channel.Roams(r))
	if r.Wanted().Occupancy {
		c.feed.fleet.Count(c, r.Channel())
	}
}

func left(r *channel.Reader) {
	c := connectionOf(r)
	c.feed.fleet.Left(c, r.Channel(), channel.Roams(r))
	if r.Wanted().Occupancy {
		c.feed.fleet.Uncount(c, r.Channel())
	}
}

// attended is a feed as its attendance sees it.
type attended struct{ *feed }

func (f attended) Send(m *realtime.Message, failed func()) {
	f.out = append(f.out, stream.Outgoing{Ctx: f.ctx, Message: *m, Failed: failed})
}

func (f attended) Document(tenant string) *realtime.Tenant { return f.tenants.Document(tenant) }

func (f attended) There(name realtime.Channel) iter.Seq[*Connection] {
	return fleet.Each(f.readers(name), connectionOf)
}

func (f attended) Readers(name realtime.Channel) iter.Seq[demand.Reader] {
	return fleet.Each(f.readers(name), func(r *channel.Reader) demand.Reader {
		c, want := connectionOf(r), r.Wanted()
		rules := c.Tenant().Rules(name.Namespace())
		return demand.Reader{User: c.Principal().User, Keys: want.Keys, MaxRate: rules.GrantedRate(want.MaxRate), Paused: want.Paused}
	})
}

// sets are those in which channels have readers.
func (f attended) sets() []*channel.Set {
	all := make([]*channel.Set, 0, 4)
	for _, generations := range [][]*generation{f.generations(), f.chores.leaving} {
		for _, g := range generations {
			if g != nil {
				all = append(all, g.channels)
			}
		}
	}
	return all
}

func (f attended) readers(name realtime.Channel) iter.Seq[*channel.Reader] {
	return func(yield func(*channel.Reader) bool) {
		for _, s := range f.sets() {
			m := s.Get(name)
			if m == nil {
				continue
			}
			for _, r := range m.Readers() {
				f.fx.Steps++
				if !yield(r) {
					return
				}
			}
		}
	}
}

func (f attended) Channels(tenant, namespace string) iter.Seq[realtime.Channel] {
	return func(yield func(realtime.Channel) bool) {
		for _, s := range f.sets() {
			for _, m := range s.Busy() {
				if c := m.Record().Channel(); c.Tenant() == tenant && (namespace == "" || c.Namespace() == namespace) && !yield(c) {
					return
				}
			}
		}
	}
}

func (f attended) Who(c *Connection) *presence.Who {
	p := c.Principal()
	return &presence.Who{Connection: c.id, User: p.User, Groups: p.Groups}
}

func (f attended) Lost(c *Connection) bool { return c.index < 0 }

func (f attended) May(c *Connection, a realtime.Action, name realtime.Channel) *realtime.Error {
	switch {
	case c.index < 0 || f.stopped:
		return &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second}
	case !c.Principal().May(a, name):
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for %s of %q", a, name.Name())
	}
	return nil
}

func (f attended) Admit(c *Connection) error {
	limit := c.Tenant().Limits.WithDefaults().SubscriptionsPerConnection
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.hasRoom(limit); err != nil {
		return err
	}
	c.watching++
	return nil
}

func (f attended) Unadmit(c *Connection) {
	c.mu.Lock()
	c.watching--
	c.mu.Unlock()
}

func (f attended) Push(c *Connection, by func(*protocol.Protocol) outbox.Frame) {
	if frame := by(c.client.Protocol); !frame.IsZero() { // the encoder did not panic
		f.fx.Push(&c.client, &outbox.Delivery{Frame: frame})
	}
}

func (f attended) Begun() bool { return f.current != nil && !f.current.began.IsZero() }

// After does something after a while, under the lock. If it panics, it is done no further.
func (f attended) After(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		var err error
		defer f.caught(contain.Topic, &err)
		f.lock()
		defer f.unlock()
		do()
	})
}

// clientOf is a connection as explain sees it.
func clientOf(c *Connection) explain.Client {
	return explain.Client{Connection: c.id, Principal: c.Principal(), Tenant: c.Tenant()}
}

func (f attended) Explain(w *explain.Work) {
	w.Views = f.hub.views
	for r := range f.readers(w.Event.Channel) {
		w.Reads(clientOf(connectionOf(r)), r)
	}
	if here := f.tenants[w.Event.Channel.Tenant()]; here != nil {
		for _, c := range here.Conns {
			w.Connected(clientOf(c), c.patterns, func() []*channel.Reader { return subscriptions(c) })
		}
	}
}

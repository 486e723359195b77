package hub

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// PresenceRequest asks who is present on a channel, on all instances.
type PresenceRequest = presence.Request

// Presence answers who is present on a channel. The answer comes when all instances have been heard, which takes a moment where nobody has asked for
// a while. A watch counts as a subscription of the connection. It refuses with CodeForbidden or CodeLimited (subscriptionsPerConnection).
func (h *Hub) Presence(c *Connection, req *PresenceRequest) error {
	f := c.feed
	f.lock()
	defer f.unlock()
	name := req.Channel
	if err := (attended{f}).May(c, name); err != nil {
		return err
	}
	_, watches := c.watches[name]
	switch {
	case req.Watch && !watches:
		if err := admitWatch(c); err != nil {
			return err
		}
		if c.watches == nil {
			c.watches = map[realtime.Channel]struct{}{}
		}
		c.watches[name] = struct{}{}
	case !req.Watch && watches:
		unwatch(c, name)
	}
	f.presence.Ask(c, req, time.Now())
	return nil
}

func leaving() *realtime.Error {
	return &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second}
}

// unwatch ends a connection's watch of a channel.
func unwatch(c *Connection, name realtime.Channel) {
	delete(c.watches, name)
	unadmitWatch(c)
	c.feed.presence.Unwatch(name, c, time.Now())
}

// forgetPresence ends all that a connection has of presence. Its subscriptions have ended before.
func forgetPresence(c *Connection) {
	f := c.feed
	for name := range c.watches {
		f.fx.Steps++
		unwatch(c, name)
	}
	for name := range c.entered {
		f.fx.Steps++
		exit(c, name)
	}
}

// joined and left are told about each reader of each channel.
func joined(r *channel.Reader) {
	c := connectionOf(r)
	c.feed.presence.Joined(c, r.Channel())
	if r.Wanted().Occupancy {
		c.feed.presence.Tally(c, r.Channel())
	}
}

func left(r *channel.Reader) {
	c := connectionOf(r)
	c.feed.presence.Left(c, r.Channel())
	if r.Wanted().Occupancy {
		c.feed.presence.Uncount(r.Channel(), c, time.Now())
	}
}

// attended is a feed as its attendance sees it.
type attended struct{ *feed }

func (f attended) Send(m *realtime.Message, failed func()) {
	f.out = append(f.out, outgoing{ctx: f.ctx, message: *m, failed: failed})
}

func (f attended) Rules(name realtime.Channel) *realtime.Presence {
	return f.tenants.document(name.Tenant()).Rules(name.Namespace()).Presence
}

func (f attended) There(name realtime.Channel) iter.Seq[*Connection] {
	return func(yield func(*Connection) bool) {
		for _, generations := range [][]*generation{f.generations(), f.chores.leaving} {
			for _, g := range generations {
				if g == nil || g.channels.Get(name) == nil {
					continue
				}
				for _, r := range g.channels.Get(name).Readers() {
					f.fx.Steps++
					if !yield(connectionOf(r)) {
						return
					}
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

func (f attended) May(c *Connection, name realtime.Channel) *realtime.Error {
	switch {
	case c.index < 0 || f.stopped:
		return leaving()
	case !c.Principal().May(realtime.ActionPresence, name):
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the presence of %q", name.Name())
	}
	return nil
}

func (f attended) Watches(c *Connection, name realtime.Channel) bool {
	_, watches := c.watches[name]
	return watches
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

// maxEntered is how many channels a connection may have entered.
const maxEntered = 16

// Enter makes a connection a member of a channel, with data of its own, or gives it other data; update refuses to enter. data is compact JSON, and not
// changed afterwards. Errors: CodeForbidden, CodeLimited, CodeNotFound if it has not entered what it updates.
func Enter(c *Connection, name realtime.Channel, data json.RawMessage, update bool) error {
	f := c.feed
	f.lock()
	defer f.unlock()
	_, has := c.entered[name]
	switch {
	case !c.Principal().May(realtime.ActionEnter, name):
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to enter %q", name.Name())
	case c.index < 0 || f.stopped:
		return leaving()
	case update && !has:
		return notEntered(name)
	case !has && len(c.entered) >= maxEntered:
		err := realtime.Errorf(realtime.CodeLimited, "channel: a connection may enter %d channels; leave one first", maxEntered)
		err.Limit = "presence.entered"
		return err
	case !has:
		if err := admitWatch(c); err != nil {
			return err
		}
		if c.entered == nil {
			c.entered = map[realtime.Channel]struct{}{}
		}
		c.entered[name] = struct{}{}
	}
	f.presence.Enter(c, name, data)
	return nil
}

// Exit ends that. Errors: CodeNotFound.
func Exit(c *Connection, name realtime.Channel) error {
	f := c.feed
	f.lock()
	defer f.unlock()
	if _, has := c.entered[name]; !has {
		return notEntered(name)
	}
	exit(c, name)
	return nil
}

func notEntered(name realtime.Channel) *realtime.Error {
	return realtime.Errorf(realtime.CodeNotFound, "channel: %q has not been entered", name.Name())
}

// exit ends what a connection has entered. feed.mu is held.
func exit(c *Connection, name realtime.Channel) {
	delete(c.entered, name)
	unadmitWatch(c)
	c.feed.presence.Exit(c, name)
}

package hub

import (
	"errors"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Rights returns what the connection has that lasts, answered or not.
func (c *Connection) Rights() []realtime.Right {
	c.feed.lock()
	defer c.feed.unlock()
	return c.rights()
}

// rights is Rights; feed.mu is held.
func (c *Connection) rights() []realtime.Right {
	all := make([]realtime.Right, 0, 8)
	for _, name := range c.Channels() {
		all = append(all, realtime.Right{Action: realtime.ActionSubscribe, Channel: name})
	}
	for r := range c.feed.fleet.Rights(c) {
		all = append(all, r)
	}
	return all
}

// review looks at all that a connection has again, after what it is granted, or what its tenant
// allows, may have become less. What it may not have any more ends, and the client is told once. It is
// called whenever that may be so, with the lock of what changed it still held: at the renewal of a token and
// at a change of the tenant's document. A logout ends the connections themselves.
func (f *feed) review(c *Connection) (ended []realtime.Right) {
	p := c.Principal()
	for _, r := range c.rights() {
		f.fx.Steps++
		if !p.May(r.Action, r.Channel) && f.end(c, r, nil) {
			ended = append(ended, r)
		}
	}
	reviewPatterns(f, c)
	for _, r := range subscriptions(c) {
		f.fx.Steps++
		if err := reviewView(c, r); err != nil {
			right := realtime.Right{Action: realtime.ActionSubscribe, Channel: r.Channel()}
			if f.end(c, right, err) {
				ended = append(ended, right)
			}
		}
	}
	return ended
}

// reviewView looks again at what a subscription is shown. An error says that it can be shown nothing.
func reviewView(c *Connection, r *channel.Reader) *realtime.Error {
	rules := c.Tenant().Rules(r.Channel().Namespace())
	if channel.KeepsState(r) && rules.State == nil {
		return channel.NoState(r.Channel())
	}
	channel.Regrant(r, &rules, time.Now())
	want := r.Wanted()
	v, err := viewOf(c, r.Channel(), &want)
	if err != nil {
		if e := (*realtime.Error)(nil); errors.As(err, &e) {
			return e
		}
		return realtime.Errorf(realtime.CodeForbidden, "channel: a rule about what may be shown cannot be applied")
	}
	if v.ID() != r.View().ID() {
		r.See(v)
	}
	return nil
}

// end takes a right away and tells the client. It is false for a subscribe that has yet to be asked:
// it will be refused.
func (f *feed) end(c *Connection, right realtime.Right, why *realtime.Error) bool {
	if why == nil {
		why = noRight(right)
	}
	if right.Action != realtime.ActionSubscribe {
		f.fleet.End(c, right)
	} else {
		r := c.takeIf(func(r *channel.Reader) bool { return r.Channel() == right.Channel && (r.Question() != nil || r.On()) })
		if r == nil {
			return false
		}
		if q := r.Question(); q != nil {
			f.asked.refuse(q, why) // which is how it is told
			return true
		}
		f.asked.detach(r)
		c.client.Box.Forget(r.Channel(), channel.Number(r))
		f.fx.Push(&c.client, &outbox.Delivery{Frame: channel.Framed(r, c.client.Protocol.Ended(right, why))})
		return true
	}
	f.fx.Push(&c.client, &outbox.Delivery{Frame: c.client.Protocol.Ended(right, why)})
	return true
}

func noRight(r realtime.Right) *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "channel: the current token does not grant %s of %q", r.Action, r.Channel.Name())
}

// subscriptions are the readers of a connection.
func subscriptions(c *Connection) []*channel.Reader {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.readers)
}

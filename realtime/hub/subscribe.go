package hub

import (
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/query"
	"github.com/tidewire/tidewire/realtime/hub/state"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// SubscribeRequest asks for a channel. Whether the principal may have it is
// checked by Subscribe.
type SubscribeRequest = channel.Request

// Subscribe asks for a channel on behalf of a connection. The answer or a late
// refusal goes into the connection's Outbox in its place among the data: the answer, what
// was missed, then what is new. An error returned at once means that no answer follows:
// CodeForbidden, CodeLimited (subscriptionsPerConnection) or CodeConflict (subscribed already).
func (h *Hub) Subscribe(c *Connection, req SubscribeRequest) error {
	if err := query.May(c.Principal(), &channel.Question{Request: req}); err != nil {
		return err
	}
	if err := req.Check(); err != nil {
		return err
	}
	if req.Occupancy && !c.Principal().May(realtime.ActionPresence, req.Channel) {
		return realtime.Errorf(realtime.CodeForbidden, "occupancy: no grant for the presence of %q", req.Channel.Name())
	}
	rules := c.Tenant().Rules(req.Channel.Namespace())
	if req.State && rules.State == nil {
		return channel.NoState(req.Channel)
	}
	switch kind, _ := req.Channel.Reserved(); {
	case kind == "":
	case !req.State:
		return realtime.Errorf(realtime.CodeBadRequest, "state: must be true for %q, which has nothing else", req.Channel.Name())
	case req.Occupancy:
		return realtime.Errorf(realtime.CodeBadRequest, "occupancy: is not told of %q", req.Channel.Name())
	}
	if kind, _ := req.Channel.Reserved(); kind == "" && req.State && h.o.States == nil && *rules.State.WithDefaults().Durable {
		return state.NoStore()
	}
	v, err := viewOf(c, req.Channel, &req.Want)
	if err != nil {
		return err
	}
	r := channel.NewReader(&c.client, req.Channel, v, channel.Pace{State: req.State, Rate: rules.GrantedRate(req.MaxRate), Paused: req.Paused})
	channel.Named(r, req.Sub, false)
	if !req.Want.Plain() {
		r.SetWant(req.Want)
	}
	if err := c.admit(r); err != nil {
		return err
	}
	c.owed.Add(1)
	q := &channel.Question{Request: req, Reader: r, Asked: time.Now()}
	if kind, _ := req.Channel.Reserved(); kind != "" {
		c.feed.lock()
		defer c.feed.unlock()
		c.feed.fleet.Read(q, func() { c.feed.asked.take(q) })
		return nil
	}
	if req.State {
		c.feed.states.Ask(q)
		return nil
	}
	c.feed.asked.ask(q)
	return nil
}

// viewOf returns what a connection is shown of a channel.
func viewOf(c *Connection, ch realtime.Channel, want *channel.Want) (*view.View, error) {
	h := c.hub
	n := c.Tenant().Rules(ch.Namespace())
	rules := view.RulesOf(c.Principal(), ch, &n)
	rules.Filter, rules.Keys = want.Filter, want.Keys
	rules.Fields = want.Fields
	v, err := h.views.Build(&rules)
	if e := (*realtime.Error)(nil); errors.As(err, &e) && e.Code == realtime.CodeForbidden {
		h.log.Warn("a rule about what may be shown cannot be applied", realtime.KeyTenant, ch.Tenant(), realtime.KeyChannel, ch.Name(), realtime.KeyError, e.Err)
	}
	return v, err
}

func (c *Connection) admit(r *channel.Reader) error {
	limit := c.Tenant().Limits.WithDefaults().SubscriptionsPerConnection
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, have := range c.readers {
		if have.Channel() == r.Channel() && channel.Sub(have) == channel.Sub(r) {
			return realtime.Errorf(realtime.CodeConflict, "channel: %q is already subscribed", r.Channel().Name())
		}
	}
	if err := c.hasRoom(limit); err != nil {
		return err
	}
	c.readers = append(c.readers, r)
	return nil
}

// hasRoom refuses one more subscription or watch. c.mu is held.
func (c *Connection) hasRoom(limit int) error {
	if len(c.readers)+c.watching < limit {
		return nil
	}
	err := realtime.Errorf(realtime.CodeLimited, "channel: the connection has %d subscriptions, presence watches and channels entered, the maximum is %d (limits.subscriptionsPerConnection); end one first", len(c.readers)+c.watching, limit)
	err.Limit = "subscriptionsPerConnection"
	return err
}

// Unsubscribe ends the subscription that the client calls sub, and reports whether there was one. A subscribe
// that is not answered yet is refused with CodeNotFound, so that its client need not wait.
func (h *Hub) Unsubscribe(c *Connection, name realtime.Channel, sub string) bool {
	r := c.takeIf(func(r *channel.Reader) bool { return r.Channel() == name && channel.Sub(r) == sub })
	if r == nil {
		return false
	}
	c.feed.asked.drop(r)
	return true
}

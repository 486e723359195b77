package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// SubscribeRequest asks for a channel. Whether the principal may have it is
// checked by Subscribe.
type SubscribeRequest struct {
	// ID is what the client calls its request; the answer carries it. It is the protocol's own, and may be empty.
	ID      string
	Channel realtime.Channel
	// Since is where the client stands; zero reads from now on, an unusable one is answered with a gap.
	Since realtime.Position
	// AsOf is the newest asOf the client was told on the connection on which it last read
	// the channel, in milliseconds; 0 if it was told none.
	AsOf int64
}

// disbelieve drops what nobody can have been told: moments later than newest, in milliseconds, which is later than
// everything that was published before the question. A Position that is unusable leaves nothing for AsOf to vouch for.
func (r *SubscribeRequest) disbelieve(newest int64) {
	if r.Since.Time > newest {
		r.Since = realtime.UnusablePosition()
	}
	if r.AsOf > newest || !r.Since.IsUsable() {
		r.AsOf = 0
	}
}

// reader is one subscription of a connection. Its fields but name and conn are
// guarded by feed.mu.
type reader struct {
	conn  *Connection
	name  realtime.Channel
	ch    *channel // nil until the subscribe is answered
	index int      // in ch.readers
	// ahead is where the reader stands while it is given nothing: because it has seen more than
	// the record it moved to has heard, or because the record does not stand yet.
	ahead   realtime.Position
	replay  replay
	pending *question
	gone    bool // unsubscribed or disconnected
}

// question is a subscribe, or the move of a channel's readers, that waits for a fence.
type question struct {
	request SubscribeRequest
	reader  *reader
	asked   time.Time
	ch      *channel  // where it waits
	before  *question // in feed.asked, while it is pending
	behind  *question
}

// Subscribe asks for a channel on behalf of a connection. The answer or a late
// refusal goes into the connection's Outbox in its place among the data: the answer, what
// was missed, then what is new. An error returned at once means that no answer follows:
// CodeForbidden, CodeLimited (subscriptionsPerConnection) or CodeConflict (subscribed already).
func (h *Hub) Subscribe(c *Connection, req SubscribeRequest) error {
	if !c.Principal().May(realtime.ActionSubscribe, req.Channel) {
		return noGrant(req.Channel)
	}
	r := &reader{conn: c, name: req.Channel}
	if err := c.admit(r); err != nil {
		return err
	}
	c.owed.Add(1)
	c.feed.ask(&question{request: req, reader: r, asked: time.Now()})
	return nil
}

func noGrant(c realtime.Channel) *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "channel: no grant to subscribe to %q", c.Name())
}

func (c *Connection) admit(r *reader) error {
	limit := c.Tenant().Limits.WithDefaults().SubscriptionsPerConnection
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, have := range c.readers {
		if have.name == r.name {
			return realtime.Errorf(realtime.CodeConflict, "channel: %q is already subscribed", r.name.Name())
		}
	}
	if err := c.hasRoom(limit); err != nil {
		return err
	}
	c.readers = append(c.readers, r)
	return nil
}

// admitWatch is admit for a watch of a channel's presence. feed.mu is held.
func (c *Connection) admitWatch() error {
	limit := c.Tenant().Limits.WithDefaults().SubscriptionsPerConnection
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.hasRoom(limit); err != nil {
		return err
	}
	c.watching++
	if c.watches == nil {
		c.watches = map[realtime.Channel]struct{}{}
	}
	return nil
}

// hasRoom refuses one more subscription or watch. c.mu is held.
func (c *Connection) hasRoom(limit int) error {
	if len(c.readers)+c.watching < limit {
		return nil
	}
	err := realtime.Errorf(realtime.CodeLimited, "channel: the connection has %d subscriptions and presence watches, the maximum is %d (limits.subscriptionsPerConnection); end one first", len(c.readers)+c.watching, limit)
	err.Limit = "subscriptionsPerConnection"
	return err
}

// Unsubscribe ends a subscription and reports whether there was one. A subscribe
// that is not answered yet is refused with CodeNotFound, so that its client need not wait.
func (h *Hub) Unsubscribe(c *Connection, name realtime.Channel) bool {
	r := c.take(name)
	if r == nil {
		return false
	}
	c.feed.drop(r)
	return true
}

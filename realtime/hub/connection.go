package hub

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/hub/resident"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Connection is one client of the Hub: a Principal, its subscriptions and its
// Outbox. It is safe for concurrent use.
type Connection struct {
	id        string
	hub       *Hub
	feed      *feed
	tenant    atomic.Pointer[realtime.Tenant]
	principal atomic.Pointer[realtime.Principal]
	client    channel.Client // its queue and protocol
	transport outbox.Transport
	owed      atomic.Int32 // subscribes not answered yet

	// Guarded by feed.mu.
	index     int // in feed.conns; -1 once removed
	seat      resident.Seat
	connected time.Time
	beatAt    time.Time // when its next heartbeat is due
	flushAt   time.Time // when the last one is to be written if no data has taken it along; zero is never
	moveAt    time.Time // when to ask it to move; zero is never
	patterns  pattern.List

	// Guarded by hub.agenda.mu.
	slot int // in agenda.heap, from 1; 0 while it is not in

	mu       sync.Mutex // guards all below; taken after feed.mu where both are held
	readers  []*channel.Reader
	watching int // watches of presence, and channels entered
}

// ID returns the connection's identifier.
func (c *Connection) ID() string { return c.id }

// Seat is its place among those of its tenant. feed.mu is held.
func (c *Connection) Seat() *resident.Seat { return &c.seat }

// Topic returns the topic that the connection reads, for as long as it lasts.
func (c *Connection) Topic() realtime.Topic { return c.feed.topic }

// Tenant returns the tenant's document in force: that of the connect, or the newest of Hub.Update.
func (c *Connection) Tenant() *realtime.Tenant { return c.tenant.Load() }

// Principal returns who the client is now; renewing its token changes it.
func (c *Connection) Principal() *realtime.Principal { return c.principal.Load() }

// LogValue shows connection, tenant and user.
func (c *Connection) LogValue() slog.Value {
	p := c.Principal()
	return slog.GroupValue(slog.String(realtime.KeyConnection, c.id), slog.String(realtime.KeyTenant, p.Tenant), slog.String(realtime.KeyUser, p.User))
}

// Send queues an answer. It keeps its place among the data and is never dropped: a client that leaves
// too much unread is closed with CodeTooSlow.
func (c *Connection) Send(f outbox.Frame) {
	if _, ok := c.client.Box.Push(&outbox.Delivery{Frame: f}); !ok {
		c.Close(c.tooSlow())
		return
	}
	c.flush()
}

// SendControl queues a frame that overtakes the data, with the same consequence.
func (c *Connection) SendControl(f outbox.Frame) {
	if !c.client.Box.Control(f) {
		c.Close(c.tooSlow())
		return
	}
	c.flush()
}

// Move asks the client to open another connection after a delay, and then to leave this one.
func (c *Connection) Move(after time.Duration) {
	c.SendControl(c.client.Protocol.Move(after.Milliseconds()))
}

// tooSlow counts that the queue was full, and says so to the client.
func (c *Connection) tooSlow() *realtime.Error {
	c.hub.count.Add(realtime.CountDrops, c.Tenant().ID, realtime.ReasonTooSlow, 1)
	l := queueOf(c.Tenant())
	return realtime.Errorf(realtime.CodeTooSlow, "the connection did not keep up; its queue of %d messages and %d bytes was full", l.Messages, l.Bytes)
}

// Close tells the client why and shuts the transport. It does not wait. Only the first call counts.
func (c *Connection) Close(err *realtime.Error) {
	defer c.giveUp()
	c.client.Box.Close(c.client.Protocol.Closing(err))
	c.transport.Shut(err)
}

// Renew replaces the principal by one of the same tenant and user with a newer
// token. What it may not have any more ends, and the client is told: subscriptions, whose channels it returns,
// and presence watches. Another user or tenant is refused with CodeForbidden, and a token of before a logout
// as at Hub.Connect.
func (c *Connection) Renew(p *realtime.Principal) ([]realtime.Channel, error) {
	old := c.Principal()
	if p.Tenant != old.Tenant || p.User != old.User {
		return nil, realtime.Errorf(realtime.CodeForbidden, "token: belongs to another user; open another connection for it")
	}
	ended, err := c.feed.renew(c, p)
	var channels []realtime.Channel
	for _, r := range ended {
		if r.Action == realtime.ActionSubscribe {
			channels = append(channels, r.Channel)
		}
	}
	return channels, err
}

// Channels returns what the connection is subscribed to, answered or not.
func (c *Connection) Channels() []realtime.Channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]realtime.Channel, len(c.readers))
	for i, r := range c.readers {
		all[i] = r.Channel()
	}
	return all
}

// takeIf removes the first such reader and returns it; nil if there is none.
func (c *Connection) takeIf(is func(*channel.Reader) bool) *channel.Reader {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.readers {
		if is(r) {
			last := len(c.readers) - 1
			c.readers[i], c.readers[last] = c.readers[last], nil
			c.readers = c.readers[:last]
			return r
		}
	}
	return nil
}

// refill queues more of the replays of the connection. The writer calls it, and no lock is held.
func (c *Connection) refill() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock() // and no more: the writer is here, so there is nothing to flush
	defer setAlarm(c.feed)
	defer c.feed.fitGrown()
	c.client.Refill(&c.feed.fx.Given)
}

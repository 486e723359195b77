package hub

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/agenda"
	"github.com/tidewire/tidewire/realtime/hub/backlog"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/internal/uid"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Hub is what one instance holds: its connections and their subscriptions, by
// topic. It follows a topic while a connection of one of its tenants is open,
// and a little longer. A Hub is safe for concurrent use.
type Hub struct {
	broker realtime.Broker
	o      Options
	log    *slog.Logger
	count  realtime.Metrics

	part       int           // channel.Options.Part
	generation atomic.Uint64 // last one given to a Following
	views      *view.Builder
	agenda     *agenda.Agenda[*Connection]
	schedule   *schedule.Scheduler

	mu        sync.Mutex // guards all below; taken before a feed's lock
	protocols map[string]*protocol.Protocol
	feeds     map[realtime.Topic]*feed // followed or about to be
	drained   []*feed                  // those let go by Drain, for their connections
	open      map[string]int           // connections of each tenant that has any
	sockets   int                      // their sum
	closing   bool
	going     map[*feed]struct{} // being let go
	gone      chan struct{}      // closed when going is empty; nil unless somebody waits
	sweeper   context.CancelFunc // runs while feeds is not empty

	running sync.WaitGroup // every goroutine of the hub and its feeds
}

// New returns a Hub on a broker. Close ends it; the broker stays open.
func New(broker realtime.Broker, o Options) *Hub {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	} else {
		o.Metrics = contain.MetricsOf(o.Metrics, o.Logger)
	}
	o.Pace = o.Pace.WithDefaults()
	return &Hub{
		broker: broker, o: o, count: o.Metrics,
		log: o.Logger, views: view.NewBuilder(o.Filters),
		feeds: map[realtime.Topic]*feed{}, protocols: map[string]*protocol.Protocol{}, open: map[string]int{}, going: map[*feed]struct{}{}, agenda: agenda.New(func(c *Connection) *int { return &c.slot }),
		schedule: schedule.New(runtime.GOMAXPROCS(0)),
	}
}

// Instance returns the name of the instance.
func (h *Hub) Instance() string { return h.o.Instance }

// Pace returns the deadlines and intervals in force.
func (h *Hub) Pace() Pace { return h.o.Pace }

// Topic is the one that new connections of a tenant read at this moment.
func (h *Hub) Topic(t *realtime.Tenant) realtime.Topic {
	return realtime.ReadTopic(h.o.Placement, t, time.Now())
}

// Connect adds a connection of a verified principal and begins to follow its
// tenant's topic if nobody does yet. box is what the transport writes from, and says which protocol
// the connection speaks; it gets the tenant's queue limits. It refuses with CodeDraining when the hub is closing, and as a closed connection
// would be told if its user was logged out since its token was verified.
// Every connection must be given back to Disconnect once its transport has ended.
func (h *Hub) Connect(t *realtime.Tenant, p *realtime.Principal, box *outbox.Outbox, tr outbox.Transport) (*Connection, error) {
	box.SetLimits(queueOf(t))
	c := &Connection{id: uid.New(), hub: h, transport: tr}
	c.client.Conn, c.client.Box = c, box
	c.tenant.Store(t)
	c.principal.Store(p)
	box.ReplayFrom(c.refill)
	topic := h.Topic(t)

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return nil, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second}
	}
	c.client.Protocol = h.protocol(box.Encoder())
	if err := h.o.Budget.Connect(c.id); err != nil {
		h.count.Add(realtime.CountRefusals, t.ID, realtime.ReasonMemory, 1)
		return nil, err
	}
	f := h.feeds[topic]
	if f == nil {
		f = newFeed(h, topic)
		h.feeds[topic] = f
		h.count.Level(realtime.GaugeTopics, "", len(h.feeds))
		if h.sweeper == nil {
			ctx, cancel := context.WithCancel(context.Background())
			h.sweeper = cancel
			h.running.Go(func() { h.sweep(ctx) })
			h.running.Go(func() { h.agenda.Run(ctx, (*Connection).attend) })
			if h.o.Budget != nil {
				h.running.Go(func() { backlog.Heed(ctx, h.o.Budget, keeper{h}, h.count, h.log) })
			}
		}
	}
	c.feed = f
	c.client.Schedule.Bind(h.schedule.Join(t.ID, weightOf(t)), (*flusher)(c))
	if err := f.add(c); err != nil {
		h.schedule.Leave(&c.client.Schedule)
		h.o.Budget.Disconnect()
		return nil, err // by a feed that has heard of it: not one that was made just now
	}
	h.opened(t.ID, 1)
	return c, nil
}

// Disconnect removes a connection whose transport has ended. It may be called twice.
func (h *Hub) Disconnect(c *Connection) {
	f := c.feed
	if !f.remove(c) {
		return
	}
	c.client.Box.Close()
	h.schedule.Leave(&c.client.Schedule)
	h.o.Budget.Disconnect()
	h.mu.Lock()
	h.opened(c.Tenant().ID, -1)
	var idle []*feed
	if h.sockets == 0 {
		// Without a socket an instance may lose its CPU at any moment: nothing
		// is left to a timer.
		for _, f := range h.feeds {
			if f.retire(0) {
				h.release(f)
				idle = append(idle, f)
			}
		}
		h.rest()
	}
	h.mu.Unlock()
	for _, f := range idle {
		f.stop()
	}
}

// opened counts connections of a tenant. h.mu is held.
func (h *Hub) opened(tenant string, n int) {
	h.sockets += n
	h.open[tenant] += n
	h.count.Level(realtime.GaugeConnections, tenant, h.open[tenant])
	if h.open[tenant] == 0 {
		delete(h.open, tenant)
	}
}

// rest ends the sweeper when nothing is left to sweep. h.mu is held.
func (h *Hub) rest() {
	h.count.Level(realtime.GaugeTopics, "", len(h.feeds))
	if len(h.feeds) == 0 && h.sweeper != nil {
		h.sweeper()
		h.sweeper = nil
	}
}

// Drain refuses new connections and lets every topic go; it returns when that is
// done and what was delivered has been written, as far as clients take it, or ctx ends. Connections stay open and are given nothing more: they are to be told
// when to come back, and closed.
func (h *Hub) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	for _, f := range h.feeds {
		h.drained = append(h.drained, f)
		h.release(f)
	}
	h.rest()
	drained := h.drained
	h.mu.Unlock()
	for _, f := range drained {
		f.stop()
	}
	done := make(chan struct{})
	go func() { h.running.Wait(); close(done) }()
	select {
	case <-done:
		return h.schedule.Close(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close drains, and closes the connections that are open with CodeDraining. It
// waits for the hub's goroutines until ctx ends; the transports end their connections themselves.
// It may be called twice.
func (h *Hub) Close(ctx context.Context) error {
	err := h.Drain(ctx)
	h.mu.Lock()
	drained := h.drained
	h.mu.Unlock()
	for _, f := range drained {
		for _, c := range f.connections() {
			c.Close(&realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second})
		}
	}
	return err
}

// release takes a topic out that is about to be stopped. h.mu is held.
func (h *Hub) release(f *feed) {
	delete(h.feeds, f.topic)
	h.going[f] = struct{}{}
}

// wentAway is told that nothing of a topic runs any more, and its stream has been closed.
func (h *Hub) wentAway(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.going, f)
	if len(h.going) == 0 && h.gone != nil {
		close(h.gone)
		h.gone = nil
	}
}

// LetGo waits until the topics that nobody needs any more have been let go, at the broker too, or ctx ends. With its last connection
// a Hub lets all of them go; the platform may take the CPU away once the last request has ended, and so a gateway
// waits here before.
func (h *Hub) LetGo(ctx context.Context) error {
	h.mu.Lock()
	if len(h.going) == 0 {
		h.mu.Unlock()
		return nil
	}
	if h.gone == nil {
		h.gone = make(chan struct{})
	}
	gone := h.gone
	h.mu.Unlock()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Connections returns the open connections of a tenant. It is a copy.
func (h *Hub) Connections(tenant string) []*Connection {
	var all []*Connection
	for _, f := range h.followed() {
		for _, c := range f.connections() {
			if c.Tenant().ID == tenant {
				all = append(all, c)
			}
		}
	}
	return all
}

func (h *Hub) followed() []*feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	feeds := make([]*feed, 0, len(h.feeds))
	for _, f := range h.feeds {
		feeds = append(feeds, f)
	}
	return feeds
}

// protocol returns what the connections of an Encoder's name share. There are as many as a program has protocols, so
// none is forgotten. h.mu is held.
func (h *Hub) protocol(e outbox.Encoder) *protocol.Protocol {
	p := h.protocols[e.Name()]
	if p == nil {
		p = protocol.New(e, h.log, h.count)
		h.protocols[e.Name()] = p
	}
	return p
}

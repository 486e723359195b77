package clients

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/registration"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/limit"
)

const (
	// lookEvery is how often the documents of the tenants that have clients are looked at.
	lookEvery = time.Second
	// lookTimeout bounds one look at all of them.
	lookTimeout = 5 * time.Second
	// closeWithin is the time over which the clients of a tenant are closed that may not stay.
	closeWithin = time.Second
	// moveWithin is how long a client may wait before it moves.
	moveWithin = 5 * time.Second
)

// Options are what clients need of their gateway. All are required, except that Registration may be nil.
type Options struct {
	Life         context.Context // of the gateway
	Instance     string
	Version      string // of the server, as clients are told it
	Hub          *hub.Hub
	Admission    *admission.Gate
	Registration *registration.Writer
	Hooks        *hook.Caller
	Tenants      realtime.Tenants
	Verifier     *auth.Verifier
	Limiter      *limit.Limiter
	Reporter     refusal.Reporter
	Logger       *slog.Logger
	Metrics      realtime.Metrics
}

// Set has the clients that have joined, and sees to it that a change of a tenant's document reaches them. While
// there are any, it asks Tenants for the document of each of their tenants, which
// costs nothing when that answers from memory, and cannot fall silent as a
// subscription to changes could. While Tenants fails nothing changes. It is safe for concurrent use.
type Set struct {
	o       Options
	running sync.WaitGroup

	mu      sync.Mutex // guards all below
	tenants map[string]*tenantState
	stop    context.CancelFunc // nil while there are no clients
	closed  bool
	failing bool
}

// tenantState is a tenant with clients.
type tenantState struct {
	doc       *realtime.Tenant // last seen
	stale     bool             // a client was checked by another one
	checking  bool             // its clients are being checked
	checkedAt time.Time        // when they were last, all of them
	topic     realtime.Topic   // that clients are to read
	asked     bool             // those who read another one were asked to move, and may be connected still
	clients   map[*Client]struct{}
}

// NewSet returns a Set. Close it.
func NewSet(o Options) *Set { return &Set{o: o, tenants: map[string]*tenantState{}} }

// add adds a client. It has to be removed.
func (s *Set) add(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[c.Tenant.ID]
	if t == nil {
		t = &tenantState{doc: c.Tenant, checkedAt: time.Now(), clients: map[*Client]struct{}{}}
		s.tenants[c.Tenant.ID] = t
	}
	t.stale = t.stale || t.doc != c.Tenant
	t.clients[c] = struct{}{}
	if s.stop == nil && !s.closed {
		ctx, cancel := context.WithCancel(s.o.Life)
		s.stop = cancel
		s.running.Go(func() { s.run(ctx) })
	}
}

func (s *Set) remove(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[c.Tenant.ID]
	if t == nil {
		return
	}
	delete(t.clients, c)
	if len(t.clients) == 0 {
		delete(s.tenants, c.Tenant.ID)
	}
	if len(s.tenants) == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Close ends the looking at documents and waits for it.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Set) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = contain.Do(s.o.Logger, s.o.Metrics, contain.Sweep, func() { s.look(ctx) }) // it looks again in a second
		}
	}
}

// look asks for the document of every tenant that has clients.
func (s *Set) look(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var down error
	for _, id := range s.tenantIDs() {
		doc, err := s.o.Tenants.Tenant(asking, id)
		switch {
		case ctx.Err() != nil:
			return
		case realtime.CodeOf(err) == realtime.CodeNotFound:
			s.dismiss(ctx, s.clientsOf(id), func(*Client) *realtime.Error { return refusal.Deleted() })
		case err != nil:
			down = err
		default:
			s.compare(ctx, doc)
			s.relocate(ctx, doc)
		}
	}
	s.log(ctx, down)
}

// log says once that documents cannot be read, and once that they can again.
func (s *Set) log(ctx context.Context, down error) {
	s.mu.Lock()
	was := s.failing
	s.failing = down != nil
	s.mu.Unlock()
	switch {
	case down != nil && !was:
		s.o.Logger.WarnContext(ctx, "tenant documents cannot be read; connected clients stay connected", realtime.KeyError, down)
	case down == nil && was:
		s.o.Logger.InfoContext(ctx, "tenant documents can be read again")
	}
}

func (s *Set) tenantIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.tenants))
	for id := range s.tenants {
		ids = append(ids, id)
	}
	return ids
}

// clientsOf returns the clients of a tenant, in no order.
func (s *Set) clientsOf(id string) []*Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tenants[id].all()
}

func (t *tenantState) all() []*Client {
	if t == nil {
		return nil
	}
	all := make([]*Client, 0, len(t.clients))
	for c := range t.clients {
		all = append(all, c)
	}
	return all
}

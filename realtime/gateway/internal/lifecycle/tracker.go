package lifecycle

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
)

// Client is a socket or a stream of events.
type Client interface {
	// Close tells the client why and ends its connection. It does not wait.
	Close(err *realtime.Error)
}

// Options say what a Tracker works with. All are required.
type Options struct {
	Life context.Context // of the gateway; its end ends a hold
	// Release is called during a hold: each function waits until something that the clients left behind is released.
	Release []func(context.Context) error
	Logger  *slog.Logger
}

// Tracker has the clients of a gateway from the begin of their requests to the very end. It is safe for concurrent use.
type Tracker struct {
	o      Options
	exited chan struct{} // holds one: somebody has exited

	mu       sync.Mutex // guards all below
	entered  map[Client]struct{}
	requests int                // of clients whose request has not ended
	holding  context.CancelFunc // ends a hold; nil without one
	draining bool
	empty    chan struct{} // closed when draining and nobody is left
}

// New returns a Tracker.
func New(o Options) *Tracker {
	return &Tracker{o: o, exited: make(chan struct{}, 1), entered: map[Client]struct{}{}, empty: make(chan struct{})}
}

// Ready says why nobody may enter, if so.
func (t *Tracker) Ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready()
}

// ready is Ready; t.mu is held.
func (t *Tracker) ready() error {
	if t.draining {
		return refusal.Draining(time.Second, time.Second)
	}
	return nil
}

// Enter takes a client in; it has to exit. Nobody may enter once Drain has been called.
func (t *Tracker) Enter(c Client) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(); err != nil {
		return err
	}
	t.entered[c] = struct{}{}
	t.requests++
	t.endHold()
	return nil
}

// Exit is the last thing a client does: nothing of it runs any more.
func (t *Tracker) Exit(c Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.entered, c)
	select {
	case t.exited <- struct{}{}:
	default:
	}
	if t.draining && len(t.entered) == 0 {
		close(t.empty)
	}
}

// Drain lets nobody in any more. It reports whether this was the first call.
func (t *Tracker) Drain() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.draining {
		return false
	}
	t.draining = true
	t.endHold()
	if len(t.entered) == 0 {
		close(t.empty)
	}
	return true
}

// Gone waits until nobody is left of a Tracker that drains. If that is so, it is no error that ctx has ended.
func (t *Tracker) Gone(ctx context.Context) error {
	select {
	case <-t.empty:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-t.empty:
		return nil
	default:
		return ctx.Err()
	}
}

// Clients returns those that have entered and not exited.
func (t *Tracker) Clients() []Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Client, 0, len(t.entered))
	for c := range t.entered {
		all = append(all, c)
	}
	return all
}

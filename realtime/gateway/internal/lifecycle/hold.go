package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// lastHold is how long the request of the last client is held open at most while what the instance holds elsewhere is
// released.
const lastHold = 5 * time.Second

// RequestEnds is called once for each client that has entered, when its request is about to end. It reports whether this is the last
// request: then Hold has to be called before the end, since the platform may take the CPU away with it. (Cloud Run
// does, with request-based billing; to a timer nothing can be left.)
func (t *Tracker) RequestEnds() (last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests--
	return t.requests == 0 && !t.draining // while draining it has its CPU until the end
}

// Hold returns when nothing of the clients that were here is left: their hooks have run, subscriptions and
// documents are gone and the lease says that there are no sockets. Or when somebody comes, the gateway is closed, or
// it takes too long: then what is left is the janitor's.
func (t *Tracker) Hold() {
	ctx, cancel := context.WithTimeout(t.o.Life, lastHold)
	defer cancel()
	t.mu.Lock()
	if t.requests > 0 || t.draining {
		t.mu.Unlock()
		return
	}
	t.holding = cancel
	t.mu.Unlock()
	err := t.finished(ctx)
	for _, release := range t.o.Release {
		err = errors.Join(err, release(ctx))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.o.Logger.WarnContext(ctx, "the last client has disconnected, but not everything was released", realtime.KeyError, err, realtime.KeyDuration, lastHold)
	}
}

// endHold ends a hold: the CPU stays. t.mu is held.
func (t *Tracker) endHold() {
	if t.holding != nil {
		t.holding()
		t.holding = nil
	}
}

// finished waits until every client that has entered has exited.
func (t *Tracker) finished(ctx context.Context) error {
	for {
		t.mu.Lock()
		n := len(t.entered)
		t.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-t.exited:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

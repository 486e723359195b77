package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// lastHold is how long the request of the last client is held open at most while what the instance holds elsewhere is
// let go.
const lastHold = 5 * time.Second

// parts is called once for each client that has entered, when its request is about to end. It reports whether this is the last
// request: then hold has to be called before the end, since the platform may take the CPU away with it. (Cloud Run
// does, with request-based billing; to a timer nothing can be left.)
func (g *Gateway) parts() (last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests--
	return g.requests == 0 && !g.draining // while draining it has its CPU until the end
}

// hold returns when nothing of the clients that were here is left: their hooks have run, subscriptions and
// documents are gone and the lease says that there are no sockets. Or when somebody comes, the gateway is closed, or
// it takes too long: then what is left is the janitor's.
func (g *Gateway) hold() {
	ctx, cancel := context.WithTimeout(g.life, lastHold)
	defer cancel()
	g.mu.Lock()
	if g.requests > 0 || g.draining {
		g.mu.Unlock()
		return
	}
	g.holding = cancel
	g.mu.Unlock()
	err := errors.Join(g.finished(ctx), g.hub.LetGo(ctx))
	if g.roll != nil {
		err = errors.Join(err, g.roll.settled(ctx))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		g.o.Logger.WarnContext(ctx, "the last client has disconnected, but not everything was released", realtime.KeyError, err, realtime.KeyDuration, lastHold)
	}
}

// arrives counts a request, and ends a hold. g.mu is held.
func (g *Gateway) arrives() {
	g.requests++
	g.release()
}

// release ends a hold: the CPU stays. g.mu is held.
func (g *Gateway) release() {
	if g.holding != nil {
		g.holding()
		g.holding = nil
	}
}

// finished waits until every client that has entered has exited.
func (g *Gateway) finished(ctx context.Context) error {
	for {
		g.mu.Lock()
		n := len(g.entered)
		g.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-g.exited:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

// cutOff is how long clients that were cut off may take to end.
const cutOff = time.Second

// Close drains: it takes nobody in, asks every client to come back later, each at another time, ends the lease and lets
// the topics go meanwhile, and waits until all of that is done. A second before the deadline of ctx, or when ctx
// ends if it has none, it cuts off the clients that are left; what has not ended within that second is left behind. Its
// error says so. A program calls it before it shuts its http.Server down, which does not know sockets.
func (g *Gateway) Close(ctx context.Context) error {
	if !g.tracker.Drain() {
		return g.tracker.Gone(ctx) // somebody else closes it
	}
	// What the instance holds elsewhere is released while clients are told: whatever of it hangs must not keep them waiting, and
	// what is not released stays for others to clean up.
	g.occupancy.End()
	released := make(chan error, 1)
	go func() { released <- g.release(ctx) }()
	for _, c := range g.tracker.Clients() {
		c.Close(refusal.Draining(500*time.Millisecond, g.o.DrainSpread))
	}
	g.endHandshakes()
	leaving, cancel := shutdown.Before(ctx, cutOff)
	defer cancel()
	err := g.tracker.Gone(leaving)
	last := ctx // until when what the instance holds may still be released
	g.end()
	if err != nil {
		g.o.Logger.WarnContext(ctx, "clients were cut off", realtime.KeyCount, len(g.tracker.Clients()))
		cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutOff)
		defer cancel()
		err = errors.Join(err, g.tracker.Gone(cut))
		last = cut
	}
	err = errors.Join(err, g.occupancy.Close(last))
	select {
	case failed := <-released:
		return errors.Join(err, failed)
	case <-last.Done():
		return errors.Join(err, fmt.Errorf("release the resources of the instance: %w", last.Err()))
	}
}

// release gives back what the instance holds elsewhere: lease and topics at once, for each may hang.
func (g *Gateway) release(ctx context.Context) error {
	lease := make(chan error, 1)
	go func() { lease <- g.registration.Close(ctx) }()
	err := g.hub.Drain(ctx) // which leaves the clients to Close: a Hub would have all of them come back at the same time
	g.clients.Close()
	if g.o.Verifier == nil {
		err = errors.Join(err, g.verifier.Close())
	}
	return errors.Join(err, <-lease)
}

package session

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/wire"
)

const (
	// maxRefusals is how many frames in a row may be refused for a limit before the
	// client is taken for one that does not listen, and closed.
	maxRefusals = 100
	// holdEach is how long one publish that is over a rate may hold up what its client sends next, rather than
	// be refused. It then takes its turn.
	holdEach = 250 * time.Millisecond
	// holdFor is for how long a client may be held up in a row.
	holdFor = 3 * time.Second
)

// rate takes the frames of a client from the buckets of its limits.
type rate struct {
	refusals int       // for a limit, in a row
	held     time.Time // since when publishes have waited for their rate; zero: they do not
}

// take takes a frame from the buckets of all limits that it concerns. before is called before it waits for one.
func (r *rate) take(ctx context.Context, seat *limit.Connection, f *wire.ClientFrame, size int, before func()) *realtime.Error {
	if f.Type == wire.TypePublish {
		return r.takePublish(ctx, seat, size, before)
	}
	if err := seat.Frame(size); err != nil {
		return err
	}
	if f.Type == wire.TypeSubscribe || f.Type == wire.TypeHistory || f.Type == wire.TypeConnect && len(f.Subscriptions) > 0 {
		return seat.Subscribe()
	}
	return nil
}

// takePublish takes a publish from the buckets, and waits for them within bounds.
func (r *rate) takePublish(ctx context.Context, seat *limit.Connection, size int, before func()) *realtime.Error {
	patience := holdEach
	if !r.held.IsZero() {
		patience = min(holdEach, holdFor-time.Since(r.held))
	}
	wait, err := seat.PublishFrame(size, patience)
	if wait == 0 && err == nil {
		r.held = time.Time{}
		return nil
	}
	if r.held.IsZero() {
		r.held = time.Now()
	}
	for wait > 0 {
		before()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil // it is closed anyway
		}
		patience -= wait
		wait, err = seat.PublishFrame(size, patience)
	}
	if err != nil {
		r.held = time.Time{}
	}
	return err
}

// exceeded counts a refusal, and reports whether the client goes on regardless of too many.
func (r *rate) exceeded() bool {
	r.refusals++
	return r.refusals >= maxRefusals
}

package hub

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime/hub/agenda"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// What comes for a channel with very many readers is given to a part of them when it comes, and to the others by and by, by feed.rest and by those
// who bring more: meanwhile others have the lock of the topic.

// wakeRest has it handed on. f.mu is held.
func wakeRest(f *feed) {
	if f.rest == nil && !f.stopped {
		f.rest = agenda.NewParts(f.ctx, f.hub.running.Go, func() bool { return handOn(f) })
	}
	f.rest.Wake()
}

// handOn gives what is on its way to readers to more of them, once what was delivered before has been written. It reports whether there is more.
func handOn(f *feed) (more bool) {
	more, overrun := handPart(f)
	if overrun > 0 {
		awaitWritten(f.ctx, f, overrun)
	}
	return more
}

func handPart(f *feed) (more bool, overrun uint64) {
	f.lock()
	defer f.unlock()
	if f.stopped {
		return false, 0
	}
	if at := f.fx.Overrun; at > f.written.Load() {
		return true, at
	}
	now := time.Now()
	more = channel.HandOn(f.current.channels, now, f.current.condemn)
	if f.next != nil {
		more = channel.HandOn(f.next.channels, now, f.next.condemn) || more
	}
	return more, 0
}

// awaitWritten waits until what was delivered up to an Overrun has been written, or ctx ends.
func awaitWritten(ctx context.Context, f *feed, overrun uint64) {
	_ = f.hub.schedule.Wait(ctx, &f.handed) // else it is let go
	f.written.Store(overrun)
}

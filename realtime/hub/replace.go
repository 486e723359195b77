package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// replace begins to follow the topic anew beside a generation that cannot be
// trusted. Its questions go to the new one, and its readers as soon as the new
// record of their channel stands. Replacements that do not last are spaced out. f.mu is held.
func (f *feed) replace(g *generation, why realtime.Reason) {
	if f.stopped || g.ctx.Err() != nil {
		return
	}
	if g.unfit == "" {
		g.unfit = why
	}
	if f.next != nil && g == f.current {
		return // it is being replaced
	}
	now := time.Now()
	if now.Sub(f.rebuilt) < f.pause() {
		return // the sweep comes back to it
	}
	f.rebuilt = now
	f.tries++
	rebuild(f, why)
}

// rebuild begins to follow the topic anew, whatever is being built. f.mu is held.
func rebuild(f *feed, why realtime.Reason) {
	n := f.newGeneration(why)
	if f.next != nil {
		f.next.cancel()
		f.chores.leaving = append(f.chores.leaving, f.next) // readers that moved to it already move again
	}
	n.channels.Replaces(f.current.channels)
	f.next = n
	f.asked.Replace()
	f.chores.start()
}

// pause is how long to wait between replacements.
func (f *feed) pause() time.Duration {
	if f.tries == 0 {
		return 0
	}
	return min(time.Second<<min(f.tries-1, 5), 30*time.Second)
}

// settle ends the older generation when nobody reads from it any more, or waits there.
func (f *feed) settle() {
	if f.next == nil || len(f.current.channels.Busy()) > 0 || len(f.chores.leaving) > 0 || f.asked.Unplaced() != nil {
		return
	}
	f.current.cancel()
	f.next.channels.Alone()
	f.hub.running.Go(f.current.channels.Records().Release)
	f.current, f.next = f.next, nil
}

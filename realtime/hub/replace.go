package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// replace begins to follow the topic anew beside a generation that cannot be
// trusted. Its questions go to the new one, and its readers as soon as the new
// record of their channel stands. Replacements that do not last are spaced out. f.mu is held.
func (f *feed) replace(g *generation, why string) {
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
	n := f.newGeneration(why)
	if f.next != nil {
		f.next.cancel()
		f.leaving = append(f.leaving, f.next) // readers that moved to it already move again
	}
	n.records.Replaces(f.current.records)
	f.next = n
	f.asked.unplaced, f.migrate = f.asked.first, len(f.current.busy)
	f.startChores()
}

// pause is how long to wait between replacements.
func (f *feed) pause() time.Duration {
	if f.tries == 0 {
		return 0
	}
	return min(time.Second<<min(f.tries-1, 5), 30*time.Second)
}

// prepare lets the readers of a channel move to this generation as soon as its record stands.
func (g *generation) prepare(name realtime.Channel) {
	ch := g.channel(name)
	ch.moving = true
	ch.sendFence()
}

// readopt takes the readers of a channel of a younger generation that failed
// into this one, where they wait, at their Positions, to move again.
func (g *generation) readopt(from *channel) {
	from.releaseTick() // where they stand says that they have had it
	for len(from.readers) > 0 {
		r := from.readers[len(from.readers)-1]
		at := from.standOf(r)
		behind := r.replay.active
		from.remove(r)
		ch := g.channel(r.name)
		if ch.state() == buffering {
			ch.park(r, at)
			continue
		}
		if i, ok := ch.rec.Find(at); ok && behind {
			ch.follow(r, i, at)
			continue
		}
		r.ahead = at
		ch.join(r)
		ch.ahead++
	}
}

// standOf is the Position of a reader: what it has had of the channel.
func (ch *channel) standOf(r *reader) realtime.Position {
	if !r.ahead.IsZero() {
		return r.ahead
	}
	if r.replay.active {
		return r.replay.at
	}
	return ch.rec.Position()
}

// takeOver moves the channel's readers here from the generation before, each
// at its Position.
func (ch *channel) takeOver() {
	ch.moving = false
	f := ch.g.feed
	old := f.current.channels[ch.name]
	if ch.g != f.next || old == nil {
		return
	}
	old.releaseTick()
	ch.releaseTick()
	for len(old.readers) > 0 {
		r := old.readers[0]
		at, vouched := old.standOf(r), f.current.vouched
		if !r.ahead.IsZero() || r.replay.active {
			vouched = 0 // it has not had what the others had
		}
		old.remove(r)
		r.ahead = realtime.Position{}
		ch.receive(r, at, vouched)
	}
	f.settle()
}

// receive joins a reader that stands at a Position and, but for what the margin
// of an asOf leaves open, has had everything of the topic up to a moment.
func (ch *channel) receive(r *reader, at realtime.Position, vouched int64) {
	from, ok := ch.rec.Find(at)
	switch {
	case ok:
	case at.ID != "" && at.Time >= ch.rec.Newest()-ch.skew():
		// The new stream lags behind what the reader has seen.
		r.ahead = at
		ch.ahead++
		from = ch.rec.Len()
	default:
		from, ok = ch.rec.Resume(at, vouched-ch.g.feed.pace.Margin.Milliseconds())
		if !ok {
			at = ch.rec.Position()
			ch.tellGap(r, at)
		}
	}
	ch.follow(r, from, at)
}

// settle ends the older generation when nobody reads from it any more, or waits there.
func (f *feed) settle() {
	if f.next == nil || len(f.current.busy) > 0 || len(f.leaving) > 0 || f.asked.unplaced != nil {
		return
	}
	f.current.cancel()
	f.next.records.Alone()
	f.hub.running.Go(f.current.records.Release)
	f.current, f.next, f.migrate = f.next, nil, 0
}

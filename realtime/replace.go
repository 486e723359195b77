package realtime

import "time"

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
	for _, q := range g.takeQuestions() {
		n.channel(q.reader.name).waiting = append(n.channel(q.reader.name).waiting, q)
	}
	if f.next != nil {
		f.next.cancel()
		// Readers that moved to it already move again.
		for _, ch := range f.next.channels {
			f.current.readopt(ch)
		}
	}
	f.next = n
	for _, ch := range f.current.channels {
		if len(ch.readers) > 0 {
			n.channel(ch.name).moving = true
		}
	}
	f.settle()
}

// pause is how long to wait between replacements.
func (f *feed) pause() time.Duration {
	if f.tries == 0 {
		return 0
	}
	return min(time.Second<<min(f.tries-1, 5), 30*time.Second)
}

// takeQuestions takes every question out of a generation.
func (g *generation) takeQuestions() []*question {
	all := g.questions()
	for _, ch := range g.channels {
		if ch.fence != nil {
			delete(g.fences, ch.fence.id)
			ch.fence = nil
		}
		ch.waiting = nil
	}
	return all
}

// readopt takes the readers of a channel of a younger generation that failed
// into this one, where they wait, at their Positions, to move again.
func (g *generation) readopt(from *channel) {
	from.releaseTick() // where they stand says that they have had it
	for len(from.readers) > 0 {
		r := from.readers[0]
		at := from.standOf(r)
		from.remove(r)
		ch := g.channel(r.name)
		if !ch.standing {
			ch.park(r, at)
			continue
		}
		r.ahead = at
		ch.join(r)
		ch.ahead++
	}
}

// standOf is the Position of a reader: what it has had of the channel.
func (ch *channel) standOf(r *reader) Position {
	if !r.ahead.IsZero() {
		return r.ahead
	}
	return ch.position()
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
		if !r.ahead.IsZero() {
			vouched = 0 // it has not had what the others had
		}
		old.remove(r)
		r.ahead = Position{}
		ch.receive(r, at, vouched)
	}
	f.settle()
}

// receive joins a reader that stands at a Position and, but for what the margin
// of an asOf leaves open, has had everything of the topic up to a moment.
func (ch *channel) receive(r *reader, at Position, vouched int64) {
	from, ok := ch.rec.find(at)
	switch {
	case ok:
	case at.ID != "" && at.Time >= ch.newest-ch.skew():
		// The new stream lags behind what the reader has seen.
		r.ahead = at
		ch.ahead++
		from = ch.rec.len()
	default:
		from, ok = ch.rec.resume(at, vouched-ch.g.feed.pace.Margin.Milliseconds())
		if !ok {
			ch.tellGap(r, ch.position())
		}
	}
	ch.replay(r, from)
	ch.join(r)
}

// settle ends the older generation when nobody reads from it any more.
func (f *feed) settle() {
	if f.next == nil {
		return
	}
	for _, ch := range f.current.channels {
		if len(ch.readers) > 0 {
			return
		}
	}
	f.current.cancel()
	f.current, f.next = f.next, nil
}

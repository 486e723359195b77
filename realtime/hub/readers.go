package hub

import "github.com/tidewire/tidewire/realtime"

// join puts a reader in.
func (ch *channel) join(r *reader) {
	r.ch, r.index = ch, len(ch.readers)
	ch.readers = append(ch.readers, r)
	if r.index == 0 {
		ch.occupied()
	}
}

// remove takes a reader out.
func (ch *channel) remove(r *reader) {
	if ch.state() == buffering {
		ch.g.parked--
	}
	last := len(ch.readers) - 1
	ch.readers[r.index] = ch.readers[last]
	ch.readers[r.index].index = r.index
	ch.readers[last] = nil
	ch.readers = ch.readers[:last]
	if !r.ahead.IsZero() && ch.state() != buffering {
		ch.ahead--
	}
	ch.endReplay(r)
	r.replay = replay{}
	r.ch = nil
	if len(ch.readers) == 0 {
		ch.vacated()
	}
}

// park puts a reader in that has been answered, at a Position, before the record stands.
func (ch *channel) park(r *reader, at realtime.Position) {
	ch.join(r)
	r.ahead = at
	ch.g.parked++
}

// unpark gives the readers what the record holds behind their Positions. It has just come to stand.
func (ch *channel) unpark() {
	parked := ch.readers
	if len(parked) == 0 {
		return
	}
	ch.readers = nil
	ch.vacated()
	ch.g.parked -= len(parked)
	for _, r := range parked {
		at := r.ahead
		r.ahead = realtime.Position{}
		ch.receive(r, at, 0)
	}
}

// occupied is told that the channel has got its first reader. One of a generation that is being
// replaced moves to the next like those that were there before.
func (ch *channel) occupied() {
	g := ch.g
	g.busy = append(g.busy, ch)
	ch.busyAt = len(g.busy)
	if ch.suspect() {
		g.suspects++
	}
	if f := g.feed; g == f.current && f.next != nil {
		f.next.prepare(ch.name)
	}
}

// vacated is told that the channel has lost its last reader: nobody depends on it, and the next
// question brings a fence.
func (ch *channel) vacated() {
	g := ch.g
	last := g.busy[len(g.busy)-1]
	g.busy[ch.busyAt-1], last.busyAt = last, ch.busyAt
	g.busy[len(g.busy)-1] = nil
	g.busy = g.busy[:len(g.busy)-1]
	ch.busyAt = 0
	if ch.suspect() {
		g.suspects--
	}
}

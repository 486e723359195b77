package session

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime/wire"
)

// readingClock is a clock that stands still while nothing is read from a client because it is held up: what it had sent
// before then comes late, and no fault of its own. The zero value goes.
type readingClock struct {
	stopped time.Time     // since when; zero: it goes
	lost    time.Duration // in all halts that are over
}

func (c *readingClock) now() time.Time {
	if c.stopped.IsZero() {
		return time.Now().Add(-c.lost)
	}
	return c.stopped.Add(-c.lost)
}

// hold stops the clock of r until release.
func (r *refusedPublishes) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock.stopped.IsZero() {
		r.clock.stopped = time.Now()
	}
}

func (r *refusedPublishes) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.clock.stopped.IsZero() {
		r.clock.lost += time.Since(r.clock.stopped)
		r.clock.stopped = time.Time{}
	}
}

// maxTried is how many refused publishes are remembered.
const maxTried = 128

// tried remembers the last publishes of a connection that were refused, by the ID of their event or, without one, of their frame. Two
// may be taken for one: then the second is refused for longer.
type tried struct {
	seed maphash.Seed
	sums []uint64
	next int // is overwritten next, once there are maxTried
}

func (t *tried) sum(f *wire.ClientFrame) uint64 {
	id := f.Event
	if id == "" {
		id = string(f.ID)
	}
	return maphash.String(t.seed, id) ^ maphash.String(t.seed, f.Channel)
}

func (t *tried) has(f *wire.ClientFrame) bool {
	return len(t.sums) > 0 && slices.Contains(t.sums, t.sum(f))
}

func (t *tried) add(f *wire.ClientFrame) {
	switch {
	case len(t.sums) == 0:
		t.seed = maphash.MakeSeed()
	case t.has(f):
		return
	}
	if len(t.sums) < maxTried {
		t.sums = append(t.sums, t.sum(f))
		return
	}
	t.sums[t.next] = t.sum(f)
	t.next = (t.next + 1) % maxTried
}

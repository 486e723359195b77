package session

import (
	"hash/maphash"
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

// tried remembers which publishes of a connection were refused since it last had none to wait for, by the ID of their event or, without one, of
// their frame: one bit of many for each. One that was not refused may be taken for one that was; then it is refused for longer. It
// takes half a KiB from the first refusal on.
type tried struct {
	seed maphash.Seed
	bits *[64]uint64
}

func (t *tried) bit(f *wire.ClientFrame) (word int, mask uint64) {
	id := f.Event
	if id == "" {
		id = string(f.ID)
	}
	sum := maphash.String(t.seed, id) ^ maphash.String(t.seed, f.Channel)
	return int(sum >> 6 % 64), 1 << (sum % 64) //nolint:gosec // it is below 64
}

func (t *tried) has(f *wire.ClientFrame) bool {
	if t.bits == nil {
		return false
	}
	word, mask := t.bit(f)
	return t.bits[word]&mask != 0
}

func (t *tried) add(f *wire.ClientFrame) {
	if t.bits == nil {
		t.seed, t.bits = maphash.MakeSeed(), &[64]uint64{}
	}
	word, mask := t.bit(f)
	t.bits[word] |= mask
}

func (t *tried) clear() {
	if t.bits != nil {
		*t.bits = [64]uint64{}
	}
}

package record

import (
	"math"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Age gives up what is too old.
func (r *Record) Age(now time.Time) {
	r.series.forget(now)
	if r.made {
		r.Expire(now)
	} else {
		r.trimBefore(now.Add(-time.Duration(r.rules.WindowFor)).UnixMilli())
	}
}

// Expire evicts what is older than the channel's window.
func (r *Record) Expire(now time.Time) {
	oldest := now.Add(-time.Duration(r.rules.WindowFor)).UnixMilli()
	for n := 0; n < evictAtOnce && r.Len() > 0 && r.At(0).At.Time < oldest; n++ {
		r.evict(realtime.ReasonAge)
	}
}

// GiveUpUntil gives up what was published up to a moment, in ms, because memory is short. It stops when tired says so, and
// reports whether there is more.
func (r *Record) GiveUpUntil(ms int64, tired func() bool) (more bool) {
	for r.Len() > 0 && r.At(0).At.Time <= ms {
		if tired() {
			return true
		}
		r.evict(realtime.ReasonBudget)
	}
	r.trimBefore(ms + 1)
	return false
}

// evict gives up the oldest entry.
func (r *Record) evict(why realtime.Reason) {
	ms := r.At(0).At.Time
	r.quota.freed(r.dropFirst(), ms)
	r.quota.set.o.Owner.Evicted(r.name, why, 1)
}

// GiveUp gives up all that a record holds of a channel that nobody needs any more.
func GiveUp(r *Record) {
	r.forgetAll(time.Time{})
	r.trimBefore(math.MaxInt64)
}

// forgetAll forgets all entries: something is missing before the moment.
func (r *Record) forgetAll(since time.Time) {
	// One by one, for the budget keeps them by their times.
	for r.Len() > 0 {
		ms := r.At(0).At.Time
		r.quota.freed(r.dropFirst(), ms)
	}
	r.cut(since)
}

// trim gives up the oldest of what is buffered, down to a number and at
// least by half.
func (r *Record) trim(keep int) {
	if len(r.buffer.messages) == 0 {
		hearLost(r, math.MaxInt64)
		return
	}
	r.buffer.sort(r.quota.freedMessage)
	r.giveUp(len(r.buffer.messages) - min(keep, len(r.buffer.messages)/2))
}

// trimBefore gives up what is buffered and older than a moment, in ms.
func (r *Record) trimBefore(ms int64) {
	hearLost(r, ms)
	if r.buffer.olderThan(ms) {
		r.buffer.sort(r.quota.freedMessage)
		r.giveUp(r.buffer.before(ms))
	}
}

// giveUp forgets the first n of what is buffered, in order.
func (r *Record) giveUp(n int) {
	b := &r.buffer
	for i := range n {
		m := &b.messages[i].Message
		r.quota.freedMessage(m)
		if m.Time.UnixMilli() >= r.evicted.Time {
			r.evicted = m.Position()
		}
		hear(r, m)
	}
	forgetHeard(r)
	r.quota.set.o.Owner.Evicted(r.name, realtime.ReasonAside, n)
	b.messages = append([]buffered(nil), b.messages[n:]...)
	b.turn = r.quota.turn // what is left is among the newest
}

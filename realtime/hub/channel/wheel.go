package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// Wheel has the readers of a topic that are to be given more at some moment. There is one timer for all of them: whoever has the lock
// turns the Wheel when the first is due.
type Wheel struct {
	due heap.Heap[time.Time, *Reader]
}

// NewWheel returns an empty one.
func NewWheel() *Wheel {
	return &Wheel{heap.Heap[time.Time, *Reader]{Less: time.Time.Before, Place: func(r *Reader) *int { return &r.pace.place }}}
}

// Next is when it is to be turned; zero is never.
func (w *Wheel) Next() (at time.Time) {
	if w.due.Len() > 0 {
		at, _ = w.due.First()
	}
	return at
}

// Turn gives those who are due what is new to them, as many as one hold of the lock allows. It reports whether more are due.
func (w *Wheel) Turn(now time.Time, fx *Effects) (more bool) {
	for w.due.Len() > 0 {
		at, r := w.due.First()
		if at.After(now) {
			return false
		}
		if fx.Tired() {
			return true
		}
		w.due.Remove(r)
		r.pace.flush(r, now)
	}
	return false
}

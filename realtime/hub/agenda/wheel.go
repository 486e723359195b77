package agenda

import (
	"time"

	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// Wheel has those for whom something is to be done at some moment. It has no timer and no lock: whoever guards it turns it when the first is due.
type Wheel[T comparable] struct{ due heap.Heap[time.Time, T] }

// NewWheel returns an empty one. place returns where an item keeps its place in it.
func NewWheel[T comparable](place func(T) *int) Wheel[T] {
	return Wheel[T]{heap.Heap[time.Time, T]{Less: time.Time.Before, Place: place}}
}

// Set enters an item for a moment, or moves it to there.
func (w *Wheel[T]) Set(c T, at time.Time) { w.due.Set(c, at) }

// Remove takes an item out, if it is in.
func (w *Wheel[T]) Remove(c T) { w.due.Remove(c) }

// Next is when it is to be turned; zero is never.
func (w *Wheel[T]) Next() (at time.Time) {
	if w.due.Len() > 0 {
		at, _ = w.due.First()
	}
	return at
}

// Turn takes out those who are due, and calls do for each, until tired says that it is enough. It reports whether more are due.
func (w *Wheel[T]) Turn(now time.Time, tired func() bool, do func(T)) (more bool) {
	for w.due.Len() > 0 {
		at, c := w.due.First()
		if at.After(now) {
			return false
		}
		if tired() {
			return true
		}
		w.due.Remove(c)
		do(c)
	}
	return false
}

// Package agenda says when something is next to be done for each of many.
package agenda

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// Agenda says when something is next to be done for each of many, such as the connections of a hub: a heap by time, so
// that nobody looks at all of them, and what is due is done when it is due rather than for
// thousands at once. It is safe for concurrent use; its lock is taken last.
type Agenda[T comparable] struct {
	mu    sync.Mutex // guards all below, and the place of each item
	heap  heap.Heap[time.Time, T]
	wakes chan struct{} // holds one: the first has changed
}

// New returns an empty Agenda. place returns where an item keeps its place in it.
func New[T comparable](place func(T) *int) *Agenda[T] {
	return &Agenda[T]{
		wakes: make(chan struct{}, 1),
		heap:  heap.Heap[time.Time, T]{Less: time.Time.Before, Place: place},
	}
}

// Set enters an item for a moment, or moves it to there.
func (a *Agenda[T]) Set(c T, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heap.Set(c, at)
	if _, first := a.heap.First(); first == c {
		select {
		case a.wakes <- struct{}{}:
		default: // it has been told
		}
	}
}

// Remove takes an item out, if it is in.
func (a *Agenda[T]) Remove(c T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heap.Remove(c)
}

// due takes out the first item if its moment has come, else it says how long that takes.
func (a *Agenda[T]) due(now time.Time) (item T, wait time.Duration, is bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.heap.Len() == 0 {
		return item, time.Hour, false
	}
	at, c := a.heap.First()
	if wait = at.Sub(now); wait > 0 {
		return item, wait, false
	}
	a.heap.Remove(c)
	return c, 0, true
}

// rest is the shortest time between two looks: a few items share a
// wake-up of the process, and never a crowd.
const rest = 5 * time.Millisecond

// Run does what is due for the items, each at its time, until ctx ends.
func (a *Agenda[T]) Run(ctx context.Context, do func(T, time.Time)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		c, wait, is := a.due(now)
		for ; is; c, wait, is = a.due(now) {
			do(c, now)
		}
		timer.Reset(max(wait, rest))
		select {
		case <-ctx.Done():
			return
		case <-a.wakes:
		case <-timer.C:
		}
	}
}

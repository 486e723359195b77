package hub

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// agenda says when something is next to be done for each connection of a Hub: a heap by time, so
// that nobody looks at all of them, and what is due is done when it is due rather than for
// thousands at once. Its lock is taken after a feed's.
type agenda struct {
	mu    sync.Mutex // guards all below, and slot of the connections
	heap  heap.Heap[time.Time, *Connection]
	wakes chan struct{} // holds one: the first has changed
}

func newAgenda() *agenda {
	return &agenda{
		wakes: make(chan struct{}, 1),
		heap:  heap.Heap[time.Time, *Connection]{Less: time.Time.Before, Place: func(c *Connection) *int { return &c.slot }},
	}
}

// set enters a connection for a moment, or moves it to there.
func (a *agenda) set(c *Connection, at time.Time) {
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

// remove takes a connection out, if it is in.
func (a *agenda) remove(c *Connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heap.Remove(c)
}

// due takes out the first connection if its moment has come, else it says how long that takes.
func (a *agenda) due(now time.Time) (*Connection, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.heap.Len() == 0 {
		return nil, time.Hour
	}
	at, c := a.heap.First()
	if wait := at.Sub(now); wait > 0 {
		return nil, wait
	}
	a.heap.Remove(c)
	return c, 0
}

// agendaRest is the shortest time between two looks at the agenda: a few connections share a
// wake-up of the process, and never a crowd.
const agendaRest = 5 * time.Millisecond

// run does what is due for connections, each at its time, until ctx ends.
func (a *agenda) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		c, wait := a.due(now)
		for ; c != nil; c, wait = a.due(now) {
			c.attend(now)
		}
		timer.Reset(max(wait, agendaRest))
		select {
		case <-ctx.Done():
			return
		case <-a.wakes:
		case <-timer.C:
		}
	}
}

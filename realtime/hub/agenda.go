package hub

import (
	"context"
	"sync"
	"time"
)

// agenda says when something is next to be done for each connection of a Hub: a heap by time, so
// that nobody looks at all of them, and what is due is done when it is due rather than for
// thousands at once. Its lock is taken after a feed's.
type agenda struct {
	mu    sync.Mutex // guards all below, and wakeAt and slot of the connections
	heap  []*Connection
	wakes chan struct{} // holds one: the first has changed
}

func newAgenda() *agenda { return &agenda{wakes: make(chan struct{}, 1)} }

// set enters a connection for a moment, or moves it to there.
func (a *agenda) set(c *Connection, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.wakeAt = at
	if c.slot == 0 {
		a.heap = append(a.heap, c)
		c.slot = len(a.heap)
	}
	a.fix(c.slot - 1)
	if a.heap[0] == c {
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
	a.out(c)
}

func (a *agenda) out(c *Connection) {
	if c.slot == 0 {
		return
	}
	i, last := c.slot-1, len(a.heap)-1
	a.swap(i, last)
	a.heap[last] = nil
	a.heap = a.heap[:last]
	c.slot = 0
	if i < last {
		a.fix(i)
	}
}

// due takes out the first connection if its moment has come, else it says how long that takes.
func (a *agenda) due(now time.Time) (*Connection, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heap) == 0 {
		return nil, time.Hour
	}
	c := a.heap[0]
	if wait := c.wakeAt.Sub(now); wait > 0 {
		return nil, wait
	}
	a.out(c)
	return c, 0
}

func (a *agenda) fix(i int) {
	for i > 0 && a.heap[i].wakeAt.Before(a.heap[(i-1)/2].wakeAt) {
		a.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a.heap); child++ {
			if a.heap[child].wakeAt.Before(a.heap[first].wakeAt) {
				first = child
			}
		}
		if first == i {
			return
		}
		a.swap(i, first)
		i = first
	}
}

func (a *agenda) swap(i, j int) {
	a.heap[i], a.heap[j] = a.heap[j], a.heap[i]
	a.heap[i].slot, a.heap[j].slot = i+1, j+1
}

// agendaRest is the shortest time between two looks at the agenda: a few connections share a
// wake-up of the process, and never a crowd.
const agendaRest = 5 * time.Millisecond

// attend does what is due for connections, each at its time, until ctx ends.
func (h *Hub) attend(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		c, wait := h.agenda.due(now)
		for ; c != nil; c, wait = h.agenda.due(now) {
			c.feed.attend(c, now)
		}
		timer.Reset(max(wait, agendaRest))
		select {
		case <-ctx.Done():
			return
		case <-h.agenda.wakes:
		case <-timer.C:
		}
	}
}

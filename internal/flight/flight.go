// Package flight runs calls that several wait for: one reads, and all who want the same wait for that reading.
//
// A call belongs to its Group and to none of those who wait: it goes on when the one that began it leaves, is bounded by the
// Group's time, and has ended when Close returns. golang.org/x/sync/singleflight has no owner for its calls, nobody who
// could wait for their end, and no bound; it would also be one module more in every program.
package flight

import (
	"context"
	"sync"
	"time"
)

// Group runs calls by key. It is safe for concurrent use. Close it.
type Group[K comparable, V any] struct {
	timeout time.Duration
	most    int
	contain func(do func()) error
	ctx     context.Context // ends with Close; every call hangs on it
	cancel  context.CancelFunc

	mu       sync.Mutex // guards what follows, and that nothing starts after Close
	closed   bool
	underway map[K]*Call[V] // the last one of each key that has not ended
	count    int            // of all that have not ended
	running  sync.WaitGroup
}

// Call is one that is under way or has ended.
type Call[V any] struct {
	begun time.Time
	done  chan struct{}
	value V // with err the outcome, once done is closed
	err   error
}

// New returns a Group. A call may take up to timeout; most is how many are under way at once at most, 0 any number.
// contain runs what a call does, and returns an error if that panics, which all who wait for the call are given: a call has a goroutine
// of its own, where a panic would end the process.
func New[K comparable, V any](timeout time.Duration, most int, contain func(do func()) error) *Group[K, V] {
	g := &Group[K, V]{timeout: timeout, most: most, contain: contain, underway: map[K]*Call[V]{}}
	g.ctx, g.cancel = context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	return g
}

// Underway returns the call of a key that has not ended; nil if there is none.
func (g *Group[K, V]) Underway(key K) *Call[V] {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.underway[key]
}

// Join returns the call of the key that is under way, or begins one; nil after Close, and when as many as may be are
// under way. The context of do ends with the time of the Group, or its Close, whoever waits.
func (g *Group[K, V]) Join(key K, do func(context.Context) (V, error)) *Call[V] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.underway[key]; c != nil {
		return c
	}
	return g.begin(key, do)
}

// Renew begins a call also if one of the key is under way, which those go on to wait for who have it: what it brings is too old for
// who comes now. Else it is Join.
func (g *Group[K, V]) Renew(key K, do func(context.Context) (V, error)) *Call[V] {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begin(key, do)
}

// begin is called with g.mu held.
func (g *Group[K, V]) begin(key K, do func(context.Context) (V, error)) *Call[V] {
	if g.closed || g.most > 0 && g.count >= g.most {
		return nil
	}
	c := &Call[V]{begun: time.Now(), done: make(chan struct{})}
	g.underway[key] = c
	g.count++
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(g.ctx, g.timeout)
		defer cancel()
		if err := g.contain(func() { c.value, c.err = do(ctx) }); err != nil {
			c.err = err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count--
		if g.underway[key] == c {
			delete(g.underway, key)
		}
		close(c.done)
	})
	return c
}

// Close ends the contexts of all calls and waits until they have ended. It may be called twice.
func (g *Group[K, V]) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.running.Wait()
}

// Begun is when the call began: what it brings is not older.
func (c *Call[V]) Begun() time.Time { return c.begun }

// Wait returns what the call brought, or why ctx has ended before.
func (c *Call[V]) Wait(ctx context.Context) (V, error) {
	select {
	case <-c.done:
		return c.value, c.err
	default: // an ended call answers also who has no time left
	}
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		var none V
		return none, context.Cause(ctx)
	}
}

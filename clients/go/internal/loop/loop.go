// Package loop runs functions one after the other in a goroutine of its own: what they alone touch needs no lock.
package loop

import (
	"context"
	"sync"
	"time"
)

// Loop is such a goroutine, with those that were started beside it. All methods are safe for concurrent use; Do, Ask and Close must not be called
// by a function that it runs.
type Loop struct {
	life context.Context //nolint:containedctx // of the loop and of all that it starts
	end  context.CancelCauseFunc
	mail chan func() // what is done next
	busy sync.WaitGroup
}

// New returns a Loop that waits for Run.
func New() *Loop {
	l := &Loop{mail: make(chan func())}
	l.life, l.end = context.WithCancelCause(context.Background())
	return l
}

// Run starts the loop. finish is what it does last.
func (l *Loop) Run(finish func()) {
	l.busy.Go(func() {
		defer finish()
		for {
			select {
			case f := <-l.mail:
				f()
			case <-l.life.Done():
				return
			}
		}
	})
}

// Do has the loop do something, and returns false if it has ended.
func (l *Loop) Do(f func()) bool {
	select {
	case l.mail <- f:
		return true
	case <-l.life.Done():
		return false
	}
}

// Ask is Do, and waits until it is done.
func (l *Loop) Ask(f func()) bool {
	done := make(chan struct{})
	if !l.Do(func() {
		f()
		close(done)
	}) {
		return false
	}
	<-done
	return true
}

// After has the loop do something later, unless the timer is stopped before.
func (l *Loop) After(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { l.Do(f) })
}

// Begin starts a goroutine that Close waits for. It is called by the loop, or before its end.
func (l *Loop) Begin(f func()) { l.busy.Go(f) }

// End ends the loop, for the first reason that is given.
func (l *Loop) End(why error) { l.end(why) }

// Wait waits until nothing runs any more, after End.
func (l *Loop) Wait() { l.busy.Wait() }

// Context ends with the loop.
func (l *Loop) Context() context.Context { return l.life }

// Err is the reason of the end; nil before it.
func (l *Loop) Err() error {
	if l.life.Err() == nil {
		return nil
	}
	return context.Cause(l.life)
}

package schedule

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Scheduler has connections flushed, those of each tenant in their turn. It is safe for concurrent use.
//
// Its workers are started when there is something to do, and end when there is not.
type Scheduler struct {
	most   int       // workers at once, and callers that flush because nothing waits
	spare  sync.Pool // of *batch
	worker func()    // work, bound once, so that a start allocates nothing

	news atomic.Bool // something was handed over since a worker took a part

	mu      sync.Mutex // guards all below, and Tenants, batches and Sources
	tenants map[string]*Tenant
	running int // workers, and callers that flush
	waiting int // connections
	ring    ring
	closed  bool          // there are no workers any more
	resting []*worker     // that have nothing to do; at most as many as there were at once
	rested  chan struct{} // closed when nothing runs; nil unless somebody waits
}

// New returns a Scheduler that has at most so many goroutines flush at a time. Close ends it.
func New(workers int) *Scheduler {
	s := &Scheduler{most: max(workers, 1), ring: ring{busy: 1}, tenants: map[string]*Tenant{}, spare: sync.Pool{New: func() any { return new(batch) }}}
	s.worker = s.work
	return s
}

const (
	// atOnce is how many connections the caller of Flush flushes itself if there is nothing else to do, and atOnceFor
	// how long it goes on with it: for some thirty writes.
	atOnce    = 128
	atOnceFor = 100 * time.Microsecond
	// atOnceBusy is the same while there is much to do, for tenants that are in credit.
	atOnceBusy = 8
	// perWorker is how many connections have to wait for one more worker to be worth its start.
	perWorker = 32
)

// Flush has connections of one tenant flushed, for which Mark returned true: a fan-out. It does not wait for that, but may
// flush a few of them itself. conns is not kept.
func (s *Scheduler) Flush(src *Source, conns []*Connection) {
	if len(conns) == 0 {
		return
	}
	mine := conns[:min(len(conns), atOnce)]
	rest := s.batch(conns[len(mine):])
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		flushNow(conns)
		return
	}
	idle := s.waiting == 0 && s.running < s.most
	credit := 0
	if !idle && len(conns) <= atOnceBusy {
		credit = s.ring.credit(conns[0].tenant)
	}
	if idle || credit > 0 {
		s.running++
	} else {
		s.hand(src, s.batch(mine))
	}
	s.hand(src, rest)
	s.mu.Unlock()
	if idle || credit > 0 {
		s.flush(src, mine, credit)
	}
}

// flushNow is Flush once there are no workers.
func flushNow(conns []*Connection) {
	for _, c := range conns {
		for c.flush() {
			continue
		}
	}
}

// flush is the part of the caller. If others wait, it is for what the tenant has in credit; else that is 0.
func (s *Scheduler) flush(src *Source, mine []*Connection, credit int) {
	var left []*Connection
	cost, began := 0, time.Now()
	for i, c := range mine {
		var again bool
		n := 0
		if credit > 0 {
			again, n = c.flushAndMeasure()
		} else {
			again = c.flush()
		}
		if again {
			left = append(left, c)
		}
		if cost += n; cost > credit || i%16 == 15 && time.Since(began) > atOnceFor {
			left = append(left, mine[i+1:]...)
			break
		}
	}
	more := s.batch(left)
	s.mu.Lock()
	mine[0].tenant.deficit += credit - cost
	s.hand(src, more)
	s.end()
	s.mu.Unlock()
}

// hand lets a batch wait for its turns, unless it is nil, and sees to it that there are workers. s.mu is held.
func (s *Scheduler) hand(src *Source, b *batch) {
	if b == nil {
		return
	}
	s.news.Store(true)
	src.add(b)
	s.wait(b)
	s.waiting += len(b.conns)
	s.start()
}

// start starts workers, if there is enough to do. s.mu is held.
func (s *Scheduler) start() {
	for s.waiting > perWorker*s.running && s.running < s.most {
		s.running++
		go s.worker()
	}
}

// end is the end of a worker, or of a caller that flushes. s.mu is held.
func (s *Scheduler) end() {
	s.running--
	s.start()
	if s.running == 0 && s.rested != nil {
		close(s.rested)
		s.rested = nil
	}
}

// Close waits until all has been flushed that was handed over, or ctx ends. From then on no goroutine of the Scheduler
// runs: what is handed over is flushed by the caller, all of it. It may be called twice.
func (s *Scheduler) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	if s.running == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.rested == nil {
		s.rested = make(chan struct{})
	}
	rested := s.rested
	s.mu.Unlock()
	select {
	case <-rested:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

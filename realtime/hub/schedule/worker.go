package schedule

import (
	"runtime"
	"time"
)

const (
	// share is how many connections a worker takes at a time: so many writes an event for one connection waits for
	// behind a fan-out of its own tenant, at each worker.
	share = 16
	// shareAlone is the same while nothing else waits, which costs less. The worker stops when something else comes.
	shareAlone = 64
	// yieldEvery is how long a worker goes on before it lets other goroutines run, those that receive the events
	// of others among them. The runtime would let them wait for 10 ms. It must not be too short: whoever yields waits for all
	// that can run, and what clients send must not stop what they are sent.
	yieldEvery = time.Millisecond
)

// worker is what a goroutine that flushes has in hand.
type worker struct {
	batch  *batch
	conns  []*Connection // copied from the batch
	budget int           // what may be written, as charged, before the rest has to wait for another turn; 0 is no bound
	marked []*Connection // of conns: were marked once more meanwhile
}

// work flushes what waits until nothing does.
func (s *Scheduler) work() {
	since := time.Now()
	s.mu.Lock()
	w := s.hire()
	for s.waiting > 0 {
		s.next(w)
		s.mu.Unlock()
		flushed, cost := s.flushPart(w)
		s.mu.Lock()
		t := w.batch.tenant
		t.deficit += w.budget - cost
		s.putBack(w, flushed)
		s.ring.rest(t)
		s.finish(w.batch)
		if time.Since(since) > yieldEvery {
			s.mu.Unlock() // with nothing in hand
			runtime.Gosched()
			since = time.Now()
			s.mu.Lock()
		}
	}
	clear(w.conns)
	clear(w.marked)
	w.batch = nil
	s.resting = append(s.resting, w)
	s.end()
	s.mu.Unlock()
}

// hire returns a worker that was one before, if there is one, for what it has room for. s.mu is held.
func (s *Scheduler) hire() *worker {
	n := len(s.resting)
	if n == 0 {
		return new(worker)
	}
	w := s.resting[n-1]
	s.resting = s.resting[:n-1]
	return w
}

// next gives a worker what is to be flushed next. s.mu is held, and something waits.
func (s *Scheduler) next(w *worker) {
	t := s.ring.choose()
	w.batch, w.budget = t.turn, 0
	s.news.Store(false)
	most := shareAlone
	if t.turn.next != t.turn {
		most = share
	}
	if s.ring.active > 1 {
		most = share
		w.budget = min(t.deficit, share*writeCharge)
		t.deficit -= w.budget
	} else {
		s.ring.passes++ // there is nobody to pass the turn to
	}
	s.take(w, most)
}

// flushPart flushes the connections of a worker, as many as the budget is enough for. It returns how many that are, and what is to be
// charged.
func (s *Scheduler) flushPart(w *worker) (flushed, cost int) {
	w.marked = w.marked[:0]
	if w.budget == 0 { // no other tenant waits, as far as is known
		for flushed < len(w.conns) && (flushed == 0 || !s.news.Load()) {
			if w.conns[flushed].flush() {
				w.marked = append(w.marked, w.conns[flushed])
			}
			flushed++
		}
		return flushed, 0
	}
	for flushed < len(w.conns) && cost < w.budget {
		c := w.conns[flushed]
		again, n := c.flushAndMeasure()
		if again {
			w.marked = append(w.marked, c)
		}
		cost += n
		flushed++
	}
	return flushed, cost
}

// finish ends a batch that has been flushed. s.mu is held, but not while what waited for the batch is done.
func (s *Scheduler) finish(b *batch) {
	if b.flushing > 0 || b.at < len(b.conns) {
		return
	}
	due := b.source.remove(b)
	s.recycle(b)
	if len(due) == 0 {
		return
	}
	s.mu.Unlock()
	for _, t := range due {
		t.do()
	}
	s.mu.Lock()
}

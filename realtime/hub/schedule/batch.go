package schedule

import "slices"

// batch is a fan-out: connections of one tenant that were handed over together. It is guarded by Scheduler.mu.
type batch struct {
	source     *Source
	tenant     *Tenant
	number     uint64 // among those of the source
	conns      []*Connection
	at         int    // the next of conns
	flushing   int    // of those before it, how many a worker has in hand
	next, prev *batch // in the ring of the tenant, while some of conns wait

	older, newer *batch // of the source
}

// maxSpare is how many connections the room of a batch that is kept for the next may hold.
const maxSpare = 1 << 16

// batch returns one of connections; nil if there are none. No lock is needed.
func (s *Scheduler) batch(conns []*Connection) *batch {
	if len(conns) == 0 {
		return nil
	}
	b := s.spare.Get().(*batch)
	b.tenant = conns[0].tenant
	b.conns = append(b.conns, conns...)
	return b
}

func (s *Scheduler) recycle(b *batch) {
	if cap(b.conns) > maxSpare {
		return
	}
	clear(b.conns)
	*b = batch{conns: b.conns[:0]}
	s.spare.Put(b)
}

// wait lets a batch wait for turns of its tenant, behind all others of it. s.mu is held.
func (s *Scheduler) wait(b *batch) {
	t := b.tenant
	s.ring.enter(t)
	if t.turn == nil {
		t.turn, b.next, b.prev = b, b, b
		return
	}
	b.next, b.prev = t.turn, t.turn.prev
	b.prev.next, b.next.prev = b, b
}

// take gives a worker the next connections of its batch, at most so many, and the next batch of the tenant the turn. s.mu is held.
func (s *Scheduler) take(w *worker, most int) {
	b := w.batch
	n := min(len(b.conns)-b.at, most)
	w.conns = append(w.conns[:0], b.conns[b.at:b.at+n]...)
	b.at += n
	b.flushing += n
	s.waiting -= n
	t := b.tenant
	t.hands++
	t.turn = b.next
	if b.at < len(b.conns) {
		return
	}
	b.prev.next, b.next.prev = b.next, b.prev
	if t.turn == b {
		t.turn = nil
	}
	b.next, b.prev = nil, nil
}

// putBack lets those wait again that a worker has not flushed, before the others, and those that were marked once more, behind
// them. s.mu is held.
func (s *Scheduler) putBack(w *worker, flushed int) {
	b, rest := w.batch, w.conns[flushed:]
	b.flushing -= len(w.conns)
	gone := b.at == len(b.conns)
	if b.at >= len(rest) {
		b.at -= len(rest)
		copy(b.conns[b.at:], rest)
	} else { // what was before them has been dropped meanwhile
		b.conns = slices.Insert(b.conns, b.at, rest...)
	}
	if len(w.marked) > 0 {
		if b.at > len(b.conns)/2 { // or it would grow without end
			b.conns = append(b.conns[:0], b.conns[b.at:]...)
			b.at = 0
		}
		b.conns = append(b.conns, w.marked...)
	}
	s.waiting += len(rest) + len(w.marked)
	if gone && b.at < len(b.conns) {
		s.wait(b)
	}
}

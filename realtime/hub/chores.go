package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// Chores are work over many channels of a topic at once: what an interrupted stream, a replay
// that begins, or a topic that is followed anew asks for. They are done in parts, so that
// deliveries of a topic with thousands of tenants come between.

// startChores does as much of what is to be done as one hold of the lock allows, and leaves the
// rest to a goroutine. f.mu is held.
func (f *feed) startChores() {
	if f.working || !f.chores() {
		return
	}
	f.working = true
	f.hub.running.Go(func() {
		for f.workOff() {
		}
	})
}

func (f *feed) workOff() (more bool) {
	f.lock()
	defer f.unlock()
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(f.hub.log, f.hub.count, contain.Topic, fault, []any{realtime.KeyTopic, f.topic})
			f.working, more = false, false
			f.distrust(f.current)
		}
	}()
	f.working = !f.stopped && f.chores()
	return f.working
}

// chores does what is to be done. It reports whether more is. f.mu is held.
func (f *feed) chores() (more bool) {
	for f.asked.unplaced != nil {
		if f.tired() {
			return true
		}
		f.placeQuestion()
	}
	for n := len(f.reviews); n > 0; n = len(f.reviews) {
		if f.tired() {
			return true
		}
		c := f.reviews[n-1]
		f.reviews = f.reviews[:n-1]
		if c.index >= 0 {
			f.review(c)
		}
	}
	f.reviews = nil
	for len(f.leaving) > 0 {
		if f.tired() {
			return true
		}
		f.callBack()
	}
	for ; f.migrate > 0; f.migrate-- {
		if f.tired() {
			return true
		}
		if busy := f.current.busy; f.next != nil && f.migrate <= len(busy) {
			f.next.prepare(busy[f.migrate-1].name)
		}
	}
	for _, g := range f.generations() {
		if g.ask() {
			return true
		}
	}
	f.settle()
	return false
}

// placeQuestion lets the next question wait in the generation that is being built.
func (f *feed) placeQuestion() {
	q := f.asked.unplaced
	f.asked.unplaced = q.behind
	if q.ch.g == f.next {
		return
	}
	ch := f.next.channel(q.reader.name)
	ch.wait(q)
	ch.sendFence()
}

// callBack takes the readers of a channel of a generation that failed back into the current one.
func (f *feed) callBack() {
	g := f.leaving[len(f.leaving)-1]
	if n := len(g.busy); n > 0 {
		f.steps += len(g.busy[n-1].readers)
		f.current.readopt(g.busy[n-1])
		return
	}
	f.hub.running.Go(g.records.Release)
	f.leaving[len(f.leaving)-1] = nil
	f.leaving = f.leaving[:len(f.leaving)-1]
}

// ask sends fences to the channels with readers, if the stream has broken, and to those in line.
// It reports whether more are to be sent.
func (g *generation) ask() (more bool) {
	for ; g.recheck > 0; g.recheck-- {
		if g.feed.tired() {
			return true
		}
		if g.recheck <= len(g.busy) {
			g.busy[g.recheck-1].sendFence()
		}
	}
	for ; g.pass > 0 && len(g.wanting) > 0; g.pass-- {
		if g.feed.tired() {
			return true
		}
		ch := g.wanting[0]
		g.wanting[0], g.wanting = nil, g.wanting[1:]
		ch.queued = false
		ch.sendFence()
	}
	return false
}

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
	for f.asked.Unplaced() != nil {
		if f.fx.Tired() {
			return true
		}
		f.placeQuestion()
	}
	for n := len(f.reviews); n > 0; n = len(f.reviews) {
		if f.fx.Tired() {
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
		if f.fx.Tired() {
			return true
		}
		f.callBack()
	}
	if f.current.channels.Migrate() {
		return true
	}
	for _, g := range f.generations() {
		if g.channels.Work() {
			return true
		}
	}
	f.settle()
	return false
}

// placeQuestion lets the next question wait in the generation that is being built.
func (f *feed) placeQuestion() {
	q := f.asked.Unplaced()
	f.asked.Placed()
	if !q.In(f.next.channels) {
		f.next.channels.Open(q.Request.Channel).Wait(q)
	}
}

// callBack takes the readers of a channel of a generation that failed back into the current one.
func (f *feed) callBack() {
	g := f.leaving[len(f.leaving)-1]
	if f.current.channels.GiveBack(g.channels) {
		return
	}
	f.hub.running.Go(g.channels.Records().Release)
	f.leaving[len(f.leaving)-1] = nil
	f.leaving = f.leaving[:len(f.leaving)-1]
}

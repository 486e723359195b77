package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// Chores are work over many channels of a topic at once: what an interrupted stream, a replay
// that begins, or a topic that is followed anew asks for. They are done in parts, so that
// deliveries of a topic with thousands of tenants come between.

// chores is such work of a feed. It is guarded by feed.mu.
type chores struct {
	f       *feed
	working bool          // it is being done
	reviews []*Connection // whose rights are to be looked at again
	leaving []*generation // failed while they were built: their readers go back to current
}

// start does as much of what is to be done as one hold of the lock allows, and leaves the
// rest to a goroutine. f.mu is held.
func (ch *chores) start() {
	if ch.working || !ch.do() {
		return
	}
	ch.working = true
	ch.f.hub.running.Go(func() {
		for ch.workOff() {
			_ = ch.f.hub.schedule.Wait(ch.f.ctx, &ch.f.handed) // or the queues of those who read many channels would overflow
		}
	})
}

func (ch *chores) workOff() (more bool) {
	f := ch.f
	f.lock()
	defer f.unlock()
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(f.hub.log, f.hub.count, contain.Topic, fault, []any{realtime.KeyTopic, f.topic})
			ch.working, more = false, false
			f.current.distrust()
		}
	}()
	ch.working = !f.stopped && ch.do()
	return ch.working
}

// do does what is to be done. It reports whether more is. f.mu is held.
func (ch *chores) do() (more bool) {
	f := ch.f
	for f.asked.Unplaced() != nil {
		if f.fx.Tired() {
			return true
		}
		ch.placeQuestion()
	}
	for n := len(ch.reviews); n > 0; n = len(ch.reviews) {
		if f.fx.Tired() {
			return true
		}
		c := ch.reviews[n-1]
		ch.reviews = ch.reviews[:n-1]
		if c.index >= 0 {
			f.review(c)
		}
	}
	ch.reviews = nil
	for len(ch.leaving) > 0 {
		if f.fx.Tired() {
			return true
		}
		ch.callBack()
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
func (ch *chores) placeQuestion() {
	f := ch.f
	q := f.asked.Unplaced()
	f.asked.Placed()
	if !q.In(f.next.channels) {
		f.next.channels.Open(q.Request.Channel).Wait(q)
	}
}

// callBack takes the readers of a channel of a generation that failed back into the current one.
func (ch *chores) callBack() {
	f := ch.f
	g := ch.leaving[len(ch.leaving)-1]
	if f.current.channels.GiveBack(g.channels) {
		return
	}
	f.hub.running.Go(g.channels.Records().Release)
	ch.leaving[len(ch.leaving)-1] = nil
	ch.leaving = ch.leaving[:len(ch.leaving)-1]
}

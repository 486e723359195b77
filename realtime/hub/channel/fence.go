package channel

import (
	linked "container/list"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Fence is a control message under way through one channel, with the questions
// that were asked before it was sent.
type Fence struct {
	ID string

	m         *Machine
	sent      time.Time
	strong    bool            // sent after the beacon came back
	breaks    uint64          // set.breaks when it was sent: if the stream broke since, it proves nothing
	place     *linked.Element // in set.sent
	questions []*Question
}

// Channel returns the one that it goes through.
func (f *Fence) Channel() realtime.Channel { return f.m.name }

// In reports whether the fence is of a Set.
func (f *Fence) In(s *Set) bool { return f.m.set == s }

// Failed says that the fence could not be sent. The next sweep sends another.
func (f *Fence) Failed() {
	f.giveUp()
	enqueue(f.m)
}

// sendFence sends one if the channel has a reason to and none is under way. A
// record can be made only by a fence sent after the beacon came back; when the
// beacon is overdue, questions are answered by a fence all the same. What cannot be sent yet waits
// in line.
func (m *Machine) sendFence() {
	s := m.set
	asked, wanted := len(m.waiting) > 0, m.moving || m.wanted && m.State() == Buffering
	if m.fence != nil || !asked && !wanted && (len(m.readers) == 0 || m.State() == Live) {
		return
	}
	sendable := (s.o.Selected == nil || s.o.Selected(m.name)) &&
		(s.Phase == PhaseCaughtUp || s.Phase.Open() && (m.State() != Buffering || asked && s.Phase == PhaseOverdue))
	if !sendable {
		enqueue(m)
		return
	}
	f := &Fence{ID: uid.New(), m: m, sent: time.Now(), strong: s.Phase == PhaseCaughtUp, breaks: s.breaks, questions: m.waiting}
	m.fence, m.waiting = f, nil
	s.fences[f.ID] = f
	f.place = s.sent.PushBack(f)
	m.count(realtime.CountFences, realtime.ReasonSent, 1)
	s.fx.Fences = append(s.fx.Fences, f)
}

// enqueue puts the channel in line for a fence.
func enqueue(m *Machine) {
	if !m.queued {
		m.queued = true
		m.set.wanting = append(m.set.wanting, m)
	}
}

// giveUp takes back the questions of a fence that says nothing.
func (f *Fence) giveUp() {
	m := f.m
	if m.fence != f {
		return
	}
	m.fence = nil
	delete(m.set.fences, f.ID)
	m.set.sent.Remove(f.place)
	m.waiting = append(f.questions, m.waiting...)
}

// returned is told that the fence came back, with its publish time: everything
// published to the channel before it has come. It reports whether something is missing that another stream may have.
func (f *Fence) returned(ms int64) (hole bool) {
	m, s := f.m, f.m.set
	m.count(realtime.CountFences, realtime.ReasonReturned, 1)
	f.giveUp()
	if f.breaks != s.breaks {
		m.sendFence()
		return false
	}
	if m.State() == Buffering && f.strong {
		release(m, time.Now(), true)
		record.Decide(m.rec, func(id string) realtime.Verdict { return outcomeOf(m, id).Verdict })
		hole = m.rec.Make(ms)
		if hole && s.o.Holes { // it is one on each stream
			hole = false
			if m.state != nil {
				s.o.Doubt(m.name)
			}
		}
		if hole {
			m.prove(never)
		}
		m.unpark()
		if hole {
			return true // Perhaps only this stream lacks it; the next one tells.
		}
	}
	m.prove(s.breaks)
	answered := m.waiting[:len(f.questions)]
	m.waiting = append([]*Question(nil), m.waiting[len(f.questions):]...)
	for _, q := range answered {
		m.answer(q, ms)
	}
	if m.moving && m.State() != Buffering {
		m.takeOver()
	}
	m.sendFence()
	return false
}

// takeOver moves the channel's readers here from the Set before, each
// at its Position.
func (m *Machine) takeOver() {
	m.moving = false
	older := m.set.older
	if older == nil {
		return
	}
	from := older.machines[m.name]
	if from == nil {
		return
	}
	finish(from)
	finish(m)
	for len(from.readers) > 0 {
		r := from.readers[0]
		at, vouched := r.stand(), older.Vouched
		if !current(r) {
			vouched = 0 // it has not had what the others had
		}
		r.leave()
		r.receive(m, at, vouched)
	}
	m.set.fx.Moved = true
}

package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// parts is how far work over many channels at once has come. It is done in parts, so that
// deliveries of a topic with thousands of tenants come between.
type parts struct {
	line    int // how many of wanting are to be looked at
	recheck int // busy[:recheck] are to get a fence, since the stream broke
	migrate int // the readers of busy[:migrate] are to be told to move to the newer Set
	hand    int // all[:hand] are still to be looked through for what is too old
	look    int // how many of them by this sweep
	relief  int // all[:relief] are to be looked through for what the Budget needs
}

// SendFences has Work send fences through the channels that stand in line.
func (s *Set) SendFences() { s.parts.line = len(s.wanting) }

// Work goes on with the questions that look for where they begin, and sends fences through the channels with readers, if the stream has
// broken, and those in line. It reports whether there is more.
func (s *Set) Work() (more bool) {
	if look(s) {
		return true
	}
	p := &s.parts
	for ; p.recheck > 0; p.recheck-- {
		if s.fx.Tired() {
			return true
		}
		if p.recheck <= len(s.busy) {
			s.busy[p.recheck-1].sendFence()
		}
	}
	for ; p.line > 0 && len(s.wanting) > 0; p.line-- {
		if s.fx.Tired() {
			return true
		}
		m := s.wanting[0]
		s.wanting[0], s.wanting = nil, s.wanting[1:]
		m.queued = false
		m.sendFence()
	}
	return false
}

// Migrate prepares the newer Set for the channels with readers. It reports whether there are more.
func (s *Set) Migrate() (more bool) {
	for p := &s.parts; p.migrate > 0; p.migrate-- {
		if s.fx.Tired() {
			return true
		}
		if s.newer != nil && p.migrate <= len(s.busy) {
			s.newer.Prepare(s.busy[p.migrate-1].name)
		}
	}
	return false
}

// GiveBack takes the readers of one channel of a younger Set that failed back, where they wait, at their
// Positions, to move again. It is false if there are none.
func (s *Set) GiveBack(failed *Set) bool {
	n := len(failed.busy)
	if n == 0 {
		return false
	}
	from := failed.busy[n-1]
	s.fx.Steps += len(from.readers)
	finish(from) // where they stand says that they have had it
	for len(from.readers) > 0 {
		r := from.readers[len(from.readers)-1]
		at, behind := r.stand(), r.state == Replaying
		r.leave()
		m := s.Open(r.name)
		finish(m)
		if KeepsState(r) {
			continues(r, m, at)
			continue
		}
		if m.State() == Buffering {
			r.join(m, Parked, at)
			continue
		}
		if i, ok := m.rec.Find(at); ok && behind {
			r.follow(m, i, at)
			continue
		}
		r.join(m, Ahead, at)
	}
	return true
}

// Look has Age look through a part of the channels: all of them in so many calls.
func (s *Set) Look(calls int) { s.parts.look = len(s.all)/calls + 1 }

// Age gives up what is too old in the channels that are looked through. It reports whether there
// are more.
func (s *Set) Age(now time.Time) (more bool) {
	p := &s.parts
	if s.Phase == PhaseCaughtUp && s.caughtUp.IsZero() {
		s.caughtUp = now
	}
	for ; p.look > 0 && len(s.all) > 0; p.look-- {
		if s.fx.Tired() {
			return true
		}
		if p.hand--; p.hand < 0 || p.hand >= len(s.all) {
			p.hand = len(s.all) - 1
		}
		m := s.all[p.hand]
		m.rec.Age(now)
		if settled(s, now) {
			release(m, now, true)
		}
		switch {
		case s.o.Selected != nil:
			if lingered(m, now) {
				s.remove(m)
			}
		case m.unused():
			s.remove(m)
		case m.rec.Empty() && len(m.readers) > 0 && m.State() == Live && m.fan == nil:
			idle(s, m)
		}
		if bytes, changed := m.rec.Quota().Changed(); changed {
			s.o.Metrics.Level(realtime.GaugeRecordBytes, m.name.Tenant(), bytes)
		}
	}
	return false
}

// idle has the readers leave that have come by a pattern, if all have: nothing is left to be known of the channel.
func idle(s *Set, m *Machine) {
	for _, r := range m.readers {
		if !r.roams || r.state != Reading || r.pace != nil && (r.pace.lags || r.pace.state && record.Holds(r.pace.keyed.Table)) {
			return
		}
	}
	s.fx.Idle = append(s.fx.Idle, m.readers...)
}

// Relieve has GiveUp look through all channels.
func (s *Set) Relieve() { s.parts.relief = len(s.all) }

// GiveUp gives up what the records hold that was published up to a moment, in ms. It reports whether there is more.
func (s *Set) GiveUp(until int64) (more bool) {
	for p := &s.parts; p.relief > 0; p.relief-- {
		if p.relief > len(s.all) {
			continue
		}
		m := s.all[p.relief-1]
		if m.rec.GiveUpUntil(until, s.fx.Tired) {
			return true
		}
		if m.unused() {
			s.remove(m)
		}
		if s.fx.Tired() {
			return true
		}
	}
	return false
}

// Condemn ends what a channel remembers, because handling something for it has panicked: nobody knows who was
// given what, up to a moment, in ms. Its readers are told gap. It reports whether the stream is not to be trusted any more.
func (s *Set) Condemn(c realtime.Channel, until int64) (again bool) {
	m := s.machines[c]
	if m == nil {
		return false
	}
	drop(m)
	if m.faults++; m.State() != Buffering {
		m.count(realtime.CountGaps, realtime.ReasonHole, 1)
		m.lose(max(m.rec.Newest(), until))
	}
	if m.state != nil { // which cannot be told gap, and is to be known anew
		for _, r := range m.readers {
			if KeepsState(r) {
				s.fx.Fail(r.client)
			}
		}
		s.o.Doubt(m.name)
		return true
	}
	return m.faults > 1 || m.State() == Buffering
}

// Dismiss takes all readers out of a channel without a look at what it holds. They are to be abandoned.
func (s *Set) Dismiss(c realtime.Channel) {
	m := s.machines[c]
	if m == nil {
		return
	}
	for _, r := range m.readers {
		if r != nil && r.pace != nil && r.pace.keyed != nil {
			r.pace.abandon(r)
		}
	}
	if m.pending != nil {
		m.pending.Table.Forget()
		m.pending = nil
	}
	drop(m)
	m.readers, m.lanes, m.ahead, m.replaying = nil, lane.Lanes[*Reader]{}, 0, 0
	if m.busyAt > 0 {
		m.vacated()
	}
}

package channel

import (
	"math"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/fanout"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// delivery is an entry on its way to the readers.
type delivery = fanout.Entry

// deliver gives an entry to the readers: to all if they are few and nothing is before it, else to some of them, and to the others by and by (HandOn).
func (m *Machine) deliver(e *delivery, now time.Time) {
	s := m.set
	if m.fan == nil {
		m.fan, s.fan = s.fan, nil
		if m.fan == nil {
			m.fan = &fanout.Fan[*Reader]{}
		}
	}
	catchUp(m, e)
	m.fan.Add(e)
	s.waiting, s.waitingBytes = s.waiting+1, s.waitingBytes+e.Bytes
	if m.fan.Len() == 1 {
		handOn(m, s.o.Part, now)
	}
	if m.fan != nil && !m.lined {
		m.lined, s.fx.Unhanded = true, true
		s.line = append(s.line, m)
	}
}

// handOn gives what is on its way to so many readers more at most.
func handOn(m *Machine, most int, now time.Time) {
	f := m.fan
	for f.Len() > 0 && most > 0 {
		e := f.First()
		if !f.Begun() {
			f.Begin(&m.lanes, m.rec, m.set.panicked)
		}
		readers, pass := f.Part(m.rec, most)
		if len(readers) == 0 {
			handed(m, now)
			continue
		}
		most -= len(readers)
		n, lost := give(m, e, readers, pass)
		f.Readers, f.Lost = f.Readers+n, f.Lost+lost
	}
	if f.Pause(m.rec); f.Len() == 0 {
		m.fan, m.set.fan = nil, f
	}
}

// handed is told that all readers have been given the first of what is on its way.
func handed(m *Machine, now time.Time) {
	f, s := m.fan, m.set
	e := f.First()
	m.count(realtime.CountDeliveries, realtime.NoReason, f.Readers)
	if f.Lost > 0 {
		m.count(realtime.CountDrops, realtime.Reason(m.rules.Overflow), f.Lost)
	}
	s.o.Metrics.Took(realtime.TimingDelivery, m.name.Tenant(), now.Sub(time.UnixMilli(e.At.Time)))
	if e.Trace != "" && s.o.Traces {
		s.fx.trace(e, m.name, f.Readers)
	}
	s.waiting, s.waitingBytes = s.waiting-1, s.waitingBytes-e.Bytes
	f.Next()
}

// finish gives the readers what is held back for them, or on its way to them, before they change.
func finish(m *Machine) {
	m.releaseTick()
	if m.fan != nil {
		handOn(m, math.MaxInt, time.Now())
	}
}

// drop forgets what is on its way: giving it has panicked.
func drop(m *Machine) {
	for m.fan != nil && m.fan.Len() > 0 {
		m.set.waiting, m.set.waitingBytes = m.set.waiting-1, m.set.waitingBytes-m.fan.First().Bytes
		m.fan.Next()
	}
	m.fan = nil
}

// until is the moment up to which the readers have been given all that has come up to a moment, in ms: less while some of it is on its way.
func until(m *Machine, up int64) int64 {
	if m.fan != nil {
		up = min(up, m.fan.Oldest()-1)
	}
	if m.tick != nil && len(m.tick.held) > 0 {
		up = min(up, m.tick.held[0].At.Time-1)
	}
	return up
}

// OnTheirWay is how many entries have not been given to all of their readers.
func OnTheirWay(s *Set) int { return s.waiting }

// Full reports whether so much is on its way to readers that nothing more is to be taken in before some of it is given.
func Full(s *Set) bool {
	return s.waiting >= fanout.MostWaiting || s.waitingBytes >= fanout.MostBytes
}

// HandOn gives what is on its way to a part of the readers of the channel whose turn it is. It reports whether there is more. failed is told of a channel
// for which that panics.
func HandOn(s *Set, now time.Time, failed func(c realtime.Channel, fault any)) (more bool) {
	if len(s.line) == 0 {
		return false
	}
	m := s.line[0]
	n := copy(s.line, s.line[1:])
	s.line[n], s.line = nil, s.line[:n]
	m.lined = false
	defer func() {
		if fault := recover(); fault != nil {
			failed(m.name, fault)
		}
		more = len(s.line) > 0
	}()
	if m.fan != nil {
		handOn(m, s.o.Part, now)
	}
	if m.fan != nil {
		m.lined = true
		s.line = append(s.line, m)
	}
	return false // but see above
}

// Finish gives all readers what is on its way to them.
func Finish(s *Set) {
	for _, m := range s.line {
		if m.lined = false; m.fan != nil {
			handOn(m, math.MaxInt, time.Now())
		}
	}
	s.line = nil
}

// give gives readers what they are shown of an entry, and returns how many they are and how much their queues let go for it.
func give(m *Machine, e *delivery, to []*Reader, pass *record.Pass) (readers, lost int) {
	fx := m.set.fx
	d := outbox.Delivery{Channel: m.name, Key: e.Key, Policy: m.rules.Overflow}
	for _, r := range to {
		if r.from > e.Number {
			continue // its replay has it, or will
		}
		readers++
		if r.state == Ahead && !reached(r, e.At) {
			continue
		}
		d.Frame, d.Reader = pass.In(r.client.Protocol), r.number
		if r.sub != "" {
			d.Frame = Framed(r, d.Frame)
		}
		lost += fx.Push(r.client, &d)
	}
	return readers, lost
}

// catchUp lets the readers that are ahead hear of an entry who need not be given it, because of their View or their pace.
func catchUp(m *Machine, e *delivery) {
	if m.ahead == 0 {
		return
	}
	for _, r := range m.readers {
		if r.state != Ahead || r.view == nil && r.pace == nil || r.from > e.Number {
			continue
		}
		missing := reached(r, e.At)
		if r.from = e.Number; !missing {
			r.from++ // it has had this one
		}
		if r.pace == nil || r.state != Reading {
			continue
		}
		next := e.Number // or it has had this one
		if !missing {
			next++
		}
		r.become(Replaying)
		replay(r, next, m.rec.Next())
	}
}

package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// delivery is an entry on its way to the readers.
type delivery struct {
	record.Entry
	number   uint64 // in the record
	trace    string // if a Tracer follows it
	received time.Time
}

// deliver gives an entry to the readers.
func (m *Machine) deliver(e *delivery, now time.Time) {
	fx := m.set.fx
	shown, kept := &e.Entry, false
	if have := m.rec.Numbered(e.number); have != nil { // what is encoded now is there for those who come later
		shown, kept = have, true
	}
	e.catchUp(m)
	var readers, lost int
	if len(m.lanes.Plain.Readers) > 0 {
		pass := m.rec.Visible(shown, nil, kept)
		readers, lost = e.give(m, &m.lanes.Plain, &pass)
	}
	if m.lanes.Divided() {
		look := record.LookAt(m.rec, shown, kept)
		m.set.chosen = m.lanes.Choose(m.set.chosen[:0], &look, m.set.panicked)
		look.Done()
		for _, c := range m.set.chosen {
			r, l := e.give(m, c.Lane, &c.Pass)
			readers, lost = readers+r, lost+l
		}
	}
	m.count(realtime.CountDeliveries, realtime.NoReason, readers)
	if lost > 0 {
		m.count(realtime.CountDrops, realtime.Reason(m.rules.Overflow), lost)
	}
	m.set.o.Metrics.Took(realtime.TimingDelivery, m.name.Tenant(), now.Sub(time.UnixMilli(e.At.Time)))
	if e.trace != "" && m.set.o.Traces {
		fx.trace(e, m.name, readers)
	}
}

// give gives what a lane is shown of an entry to its readers, and returns how many they are and how much their queues let go for it.
func (e *delivery) give(m *Machine, l *lane.Lane[*Reader], pass *record.Pass) (readers, lost int) {
	fx := m.set.fx
	d := outbox.Delivery{Channel: m.name, Key: e.Key, Policy: m.rules.Overflow}
	for _, r := range l.Readers {
		if r.from > e.number {
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
func (e *delivery) catchUp(m *Machine) {
	if m.ahead == 0 {
		return
	}
	for _, r := range m.readers {
		if r.state != Ahead || r.view == nil && r.pace == nil || r.from > e.number {
			continue
		}
		missing := reached(r, e.At)
		if !missing {
			r.from = e.number + 1 // it has had this one
		}
		if r.pace == nil || r.state != Reading {
			continue
		}
		next := e.number // or it has had this one
		if !missing {
			next++
		}
		r.become(Replaying)
		replay(r, next, m.rec.Next())
	}
}

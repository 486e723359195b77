package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
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
	d := outbox.Delivery{Channel: m.name, Key: e.Key, Policy: m.rules.Overflow}
	shown, kept := &e.Entry, false
	if have := m.rec.Numbered(e.number); have != nil { // what is encoded now is there for those who come later
		shown, kept = have, true
	}
	lost, readers := 0, 0
	for _, r := range m.readers {
		if r.from > e.number {
			continue // its replay has it, or will
		}
		readers++
		if r.state == Ahead && !r.reached(e.At) {
			continue
		}
		d.Frame = m.rec.Frame(shown, r.client.Protocol, kept)
		lost += fx.Push(r.client, &d)
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

package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/logout"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// direct does what a message for connections says, once: a replay brings it
// again, and both generations hear it while one replaces the other. It is not for
// connections that were opened after it was sent, unless it closes those with an old token.
func (f *feed) direct(m *realtime.Message, now time.Time) {
	f.directs.Turn(now)
	if f.directs.Repeated(m.Tenant, "", m.ID) {
		return
	}
	ends := m.Kind == realtime.KindClose && !m.Before.IsZero()
	if ends {
		f.logouts.Add(m, now)
	}
	here := f.tenants[m.Tenant]
	if here == nil {
		return
	}
	event := protocol.Shared{Make: func(p *protocol.Protocol) outbox.Frame { return p.Direct(&m.Publication) }}
	for _, c := range here.Conns {
		p := c.Principal()
		if !m.To.Selects(c.id, p) {
			continue
		}
		// The token of a logout's connection says whether it is meant, whenever it was opened.
		if ends && p.Issued.After(m.Before) || !ends && m.Time.Before(c.connected.Add(-f.pace.Skew)) {
			continue
		}
		if m.Kind == realtime.KindClose {
			f.fx.Close(&c.client, logout.ClosedBy(m.Code))
			continue
		}
		frame := event.In(c.client.Protocol)
		if frame.IsZero() {
			continue // the encoder panicked
		}
		f.hub.count.Add(realtime.CountDeliveries, m.Tenant, realtime.ReasonDirect, 1)
		f.fx.Push(&c.client, &outbox.Delivery{Frame: frame, Policy: realtime.OverflowDropOldest})
	}
}

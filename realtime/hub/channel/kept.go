package channel

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// mostHeld is how many messages are held back from the state of a channel, until its record is made.
const mostHeld = 2048

// keep lets the state of the channel have what has come. What is older than what the stream vouches for is left to the checkpoint: it may be
// the second copy of something. So may be what comes live before a replay has brought what is older: it is held back until all has come.
func keep(m *Machine, msg *realtime.Message, repeated bool, now time.Time) {
	ms := msg.Time.UnixMilli()
	switch {
	case m.state == nil || ms < m.set.complete:
	case m.State() != Buffering:
		if !repeated {
			m.state.Apply(msg, now)
		}
	case repeated:
		i := slices.IndexFunc(m.held, func(h realtime.Message) bool { return h.ID == msg.ID && h.Time.After(msg.Time) })
		if i >= 0 { // this is the first copy
			m.held = slices.Delete(m.held, i, i+1)
			m.state.Apply(msg, now)
		}
	case ms < m.set.opened-m.set.skew:
		m.state.Apply(msg, now)
	default:
		if m.held = append(m.held, *msg); len(m.held) > mostHeld {
			release(m, now)
		}
	}
}

// release lets the state have what was held back.
func release(m *Machine, now time.Time) {
	held := m.held
	m.held = nil
	slices.SortStableFunc(held, func(a, b realtime.Message) int { return cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()) })
	for i := range held {
		if m.state != nil {
			m.state.Apply(&held[i], now)
		}
	}
}

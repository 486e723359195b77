package channel

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The bounds of what is held back from the state of a channel.
const (
	mostHeld      = 2048
	mostHeldBytes = 256 << 10
)

// held is what is held back from the state of a channel.
type held struct {
	messages []realtime.Message
	bytes    int
	early    bool // something was let go before all that is older had come
}

// keep lets the state of the channel have what has come, published at a moment. What is older than what the stream vouches for is left to the
// checkpoint: it may be the second copy of something. So may be what comes live before a replay has brought what is older: it is held back until
// all has come.
func keep(m *Machine, msg *realtime.Message, at time.Time, repeated bool, now time.Time) {
	ms, h := at.UnixMilli(), &m.held
	switch {
	case m.state == nil || ms < m.set.complete:
	case m.State() != Buffering || settled(m.set, now):
		release(m, now)
		if !repeated {
			apply(m, msg, at, now)
		}
	case repeated:
		i := slices.IndexFunc(h.messages, func(h realtime.Message) bool { return h.ID == msg.ID && h.Time.After(at) })
		switch {
		case i >= 0: // this is the first copy
			h.bytes -= bufferedBytes(&h.messages[i])
			h.messages = slices.Delete(h.messages, i, i+1)
			apply(m, msg, at, now)
		case h.early && ms < m.set.opened: // perhaps this is, and the second has been let go
			m.set.o.Doubt(m.name)
		}
	case ms < m.set.opened-m.set.skew:
		apply(m, msg, at, now)
	default:
		h.messages = append(h.messages, *msg)
		if h.bytes += bufferedBytes(msg); len(h.messages) > mostHeld || h.bytes > mostHeldBytes {
			h.early = true
			release(m, now)
		}
	}
}

func bufferedBytes(m *realtime.Message) int { return len(m.Data) + len(m.ID) + len(m.Key) }

// release lets the state have what was held back.
func release(m *Machine, now time.Time) {
	held := m.held.messages
	if len(held) == 0 {
		return
	}
	m.held.messages, m.held.bytes = nil, 0
	slices.SortStableFunc(held, func(a, b realtime.Message) int { return cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()) })
	for i := range held {
		apply(m, &held[i], held[i].Time, now)
	}
}

// apply lets the state have a message. The order of the stream decides if the broker has stored it a little before the one that came last, which
// another publisher has published at the same time.
func apply(m *Machine, msg *realtime.Message, at, now time.Time) {
	if m.state == nil {
		return
	}
	ms := at.UnixMilli()
	if ms < m.kept && ms >= m.kept-m.set.skew {
		ms = m.kept
	}
	m.kept = max(m.kept, ms)
	told := msg.Time
	msg.Time = time.UnixMilli(ms)
	m.state.Apply(msg, now)
	msg.Time = told
}

// settled reports whether the replay of the stream has long come, but for what stalls for longer than anything does.
func settled(s *Set, now time.Time) bool {
	return !s.caughtUp.IsZero() && now.Sub(s.caughtUp) >= s.o.Margin
}

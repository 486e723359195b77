package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// keep lets the state of the channel have what has come, published at a moment. What is older than what the stream vouches for is left to the
// checkpoint: it may be the second copy of something. So may be what comes live before a replay has brought what is older: it is held back until
// all has come.
func keep(m *Machine, msg *realtime.Message, at time.Time, repeated bool, now time.Time) {
	ms, h := at.UnixMilli(), &m.held
	switch {
	case m.state == nil || ms < m.set.complete:
	case m.State() != Buffering || settled(m.set, now):
		release(m, now, true)
		if !repeated {
			apply(m, msg, at, now)
		}
	case repeated && !h.Second(msg.ID, at): // nor is this the first copy of one that is held
		if h.Early && ms < m.set.opened { // perhaps it is, and the second has been let go
			m.set.o.Doubt(m.name)
		}
	case ms < m.set.opened-m.set.skew:
		apply(m, msg, at, now)
	default:
		if h.Add(msg) {
			release(m, now, false)
		}
	}
}

// pass lets the state of the channel have what is transient, and nobody else: no record has it, nor is its number one of those that show
// holes.
func pass(m *Machine, msg *realtime.Message, repeated bool, now time.Time) {
	if s := m.rules.State; s == nil || !s.Transient {
		m.count(realtime.CountDrops, realtime.ReasonStateless, 1)
		return
	}
	keep(m, msg, msg.Time, repeated, now)
}

// release lets the state have what was held back. whole says that everything has come that was published before: otherwise what has a Condition
// cannot be decided.
func release(m *Machine, now time.Time, whole bool) {
	held := m.held.Take()
	if len(held) == 0 {
		return
	}
	doubts := record.Ambiguous(held, m.set.skew, m.set.opened+m.set.skew)
	for i := range held {
		c, keys := &held[i], doubts[i]
		switch {
		case c.If == nil || whole && len(keys) == 0:
			apply(m, c, c.Time, now)
		case !whole:
			keys = []string{c.Key}
		}
		for _, key := range keys {
			if m.state != nil {
				record.Undecided(m.state.Table, key, c)
			}
		}
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

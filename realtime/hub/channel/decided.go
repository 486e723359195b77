package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// decided reports whether a Publication with a Condition, which has just been kept, is to be given to anybody. One of which that is not known is
// not: the record is cut there, and readers are told gap.
func decided(m *Machine, msg *realtime.Message, repeated bool) bool {
	o := outcomeOf(m, msg.ID)
	switch {
	case repeated:
		if m.state != nil && m.state.Decided != nil { // its publisher has published it again, and waits
			m.state.Decided(msg.ID, o)
		}
		return false
	case o.Verdict == realtime.VerdictUnknown:
		m.count(realtime.CountGaps, realtime.ReasonUndecided, 1)
		cut(m, max(msg.Time.UnixMilli(), m.rec.Newest()))
	}
	msg.If = nil // from here on it is like any other
	return o.Verdict == realtime.VerdictApplied
}

func outcomeOf(m *Machine, id string) realtime.Outcome {
	if m.state == nil {
		return realtime.Outcome{}
	}
	return record.Decided(m.state.Table, id)
}

// HeardUntil returns a moment, in ms, before which everything that was published to a channel has come; 0 if none is known yet: then it
// is going to be. margin is by how much a channel may be later than its topic.
func HeardUntil(s *Set, c realtime.Channel, margin time.Duration) int64 {
	m := s.Open(c)
	if m.State() == Buffering {
		m.wanted = true
		m.sendFence()
		return 0
	}
	return max(m.rec.Newest()-s.skew, s.Vouched-margin.Milliseconds(), s.complete)
}

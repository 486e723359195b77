package record

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// seriesMemory is how long a publisher may be silent on a channel before its
// number is forgotten.
const seriesMemory = 30 * time.Minute

// maxSeries is how many publishers of one channel are counted at once; of more, those that were silent
// longest are forgotten, down to half.
const maxSeries = 1024

// sequence is how far a publisher has come.
type sequence struct {
	number uint64
	heard  int64 // ms
}

// series follows the numbers of a channel's publishers and finds holes.
type series struct {
	publishers map[string]sequence
	since      time.Time // numbers of what was published before say nothing
	skew       time.Duration
	forgotten  int64 // when the newest forgotten number was last heard, ms
}

type verdict uint8

const (
	inOrder verdict = iota
	skipped         // something before it never came
	late            // it comes behind its successors, or is a repetition
)

// hear takes the number of a message and says what it shows.
func (s *series) hear(m *realtime.Message) verdict {
	if m.Series == "" || m.Number == 0 {
		return inOrder
	}
	if s.publishers == nil {
		s.publishers = map[string]sequence{}
	}
	c, known := s.publishers[m.Series]
	v := inOrder
	switch {
	case !known:
		if len(s.publishers) >= maxSeries {
			s.forgetHalf()
		}
		if m.Number > 1 && m.Previous.After(s.since.Add(s.skew)) && m.Previous.UnixMilli() > s.forgotten+s.skew.Milliseconds() {
			v = skipped
		}
	case m.Number <= c.number:
		return late
	case m.Number > c.number+1:
		v = skipped
	}
	s.publishers[m.Series] = sequence{m.Number, m.Time.UnixMilli()}
	return v
}

// Numbers are those of the publishers of a channel, of which everything is to come that was published since a moment.
type Numbers struct{ series }

// NewNumbers has heard none. The clocks of publishers and the broker may differ by skew.
func NewNumbers(since time.Time, skew time.Duration) *Numbers {
	return &Numbers{series{since: since, skew: skew}}
}

// Hear takes the number of a message, or of a repetition of one, and reports whether it shows that something has not come in its place.
func (n *Numbers) Hear(m *realtime.Message, repeated bool) (hole bool) {
	v := n.hear(m)
	return v == skipped || v == late && !repeated
}

// forgetHalf drops the numbers of the publishers that have been silent longest.
func (s *series) forgetHalf() {
	heard := make([]int64, 0, len(s.publishers))
	for _, c := range s.publishers {
		heard = append(heard, c.heard)
	}
	slices.Sort(heard)
	s.forgetUntil(heard[len(heard)/2])
}

// forget drops the numbers of publishers that have been silent for long.
func (s *series) forget(now time.Time) {
	s.forgetUntil(now.Add(-seriesMemory).UnixMilli() - 1)
}

// forgetUntil drops those that were last heard at a moment or before.
func (s *series) forgetUntil(ms int64) {
	for name, c := range s.publishers {
		if c.heard <= ms {
			delete(s.publishers, name)
			s.forgotten = max(s.forgotten, c.heard)
		}
	}
}

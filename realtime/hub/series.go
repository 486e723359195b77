package hub

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// seriesMemory is how long a publisher may be silent on a channel before its
// count is forgotten.
const seriesMemory = 30 * time.Minute

// maxSeries is how many publishers of one channel are counted at once; of more, those that were silent
// longest are forgotten, down to half.
const maxSeries = 1024

type count struct {
	number uint64
	heard  int64 // ms
}

// series follows the numbers of a channel's publishers and finds holes.
type series struct {
	counts    map[string]count
	since     time.Time // numbers of what was published before say nothing
	skew      time.Duration
	forgotten int64 // when the newest forgotten count was last heard, ms
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
	if s.counts == nil {
		s.counts = map[string]count{}
	}
	c, known := s.counts[m.Series]
	v := inOrder
	switch {
	case !known:
		if len(s.counts) >= maxSeries {
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
	s.counts[m.Series] = count{m.Number, m.Time.UnixMilli()}
	return v
}

// forgetHalf drops the counts of the publishers that have been silent longest.
func (s *series) forgetHalf() {
	heard := make([]int64, 0, len(s.counts))
	for _, c := range s.counts {
		heard = append(heard, c.heard)
	}
	slices.Sort(heard)
	s.forgetUntil(heard[len(heard)/2])
}

// forget drops the counts of publishers that have been silent for long.
func (s *series) forget(now time.Time) {
	s.forgetUntil(now.Add(-seriesMemory).UnixMilli() - 1)
}

// forgetUntil drops those that were last heard at a moment or before.
func (s *series) forgetUntil(ms int64) {
	for name, c := range s.counts {
		if c.heard <= ms {
			delete(s.counts, name)
			s.forgotten = max(s.forgotten, c.heard)
		}
	}
}

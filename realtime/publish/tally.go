package publish

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// tally numbers what this process publishes to one channel: one Series.
type tally struct {
	series   string
	last     uint64      // number of the last message
	previous time.Time   // when that was handed over
	passing  uint64      // number of the last transient one
	broken   atomic.Bool // a message may be lost: the next one begins another Series
}

// number writes the next number into m. The stripe's lock is held.
//
// What is transient has a Series of its own, so that one that is lost leaves no hole: its numbers say no more than what is newer.
func (t *tally) number(m *realtime.Message, now time.Time) {
	if m.Transient {
		t.passing++
		m.Series, m.Number, m.Previous = t.series+transientSeries, t.passing, time.Time{}
		return
	}
	t.last++
	m.Series, m.Number, m.Previous = t.series, t.last, t.previous
	t.previous = time.UnixMilli(now.UnixMilli())
}

// transientSeries is what the name of a Series ends with that counts what is transient.
const transientSeries = "~"

// tallies are the counts of a Publisher in stripes, so that publishing to one channel
// seldom waits for another.
type tallies struct {
	seed    maphash.Seed
	stripes [64]stripe
}

// stripe holds its channels in two generations: when the newer is full the
// older is forgotten, so that the channels used last remain and a bound holds.
type stripe struct {
	mu       sync.Mutex // guards all below, and every tally but broken; held while a message is handed over
	now, old map[realtime.Channel]*tally
	most     int // in one generation
}

func newTallies(channels int) *tallies {
	t := &tallies{seed: maphash.MakeSeed()}
	for i := range t.stripes {
		t.stripes[i].now = map[realtime.Channel]*tally{}
		t.stripes[i].most = channels/len(t.stripes)/2 + 1
	}
	return t
}

func (t *tallies) of(c realtime.Channel) *stripe {
	sum := maphash.String(t.seed, c.Name()) ^ maphash.String(t.seed, c.Tenant())
	return &t.stripes[sum%uint64(len(t.stripes))]
}

// tally returns the channel's count: a new one for a channel that is not
// known, or whose Series was broken. s.mu is held.
func (s *stripe) tally(c realtime.Channel) *tally {
	t, known := s.now[c]
	if !known {
		if t = s.old[c]; t == nil {
			t = &tally{series: uid.New()}
		}
		if len(s.now) >= s.most {
			s.now, s.old = make(map[realtime.Channel]*tally, s.most), s.now
		}
		s.now[c] = t
	}
	if t.broken.Load() {
		t = &tally{series: uid.New()}
		s.now[c] = t
	}
	return t
}

package hub

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestRecordResume(t *testing.T) {
	t.Parallel()
	filled := func() *record {
		r := &record{since: time.UnixMilli(100)}
		for _, p := range []realtime.Position{{Time: 110, ID: "a"}, {Time: 120, ID: "b"}, {Time: 120, ID: "c"}, {Time: 120, ID: "d"}, {Time: 130, ID: "e"}} {
			r.append(entry{at: p})
		}
		return r
	}
	evicted := func() *record {
		r := filled()
		r.evict() // a
		r.evict() // b, of the same millisecond as c and d
		return r
	}
	cut := func() *record {
		r := filled()
		r.cut(time.UnixMilli(131))
		r.append(entry{at: realtime.Position{Time: 140, ID: "f"}})
		return r
	}
	for name, tc := range map[string]struct {
		r     *record
		since realtime.Position
		asOf  int64
		from  int
		ok    bool
	}{
		"by ID":                              {filled(), realtime.Position{Time: 110, ID: "a"}, 0, 1, true},
		"by ID between equals":               {filled(), realtime.Position{Time: 120, ID: "c"}, 0, 3, true},
		"the newest":                         {filled(), realtime.Position{Time: 130, ID: "e"}, 0, 5, true},
		"a moment":                           {filled(), realtime.Position{Time: 115}, 0, 1, true},
		"a moment of equals":                 {filled(), realtime.Position{Time: 120}, 0, 4, true},
		"where the record begins":            {filled(), realtime.Position{Time: 100}, 0, 0, true},
		"before it begins":                   {filled(), realtime.Position{Time: 99}, 0, 5, false},
		"before, an ID":                      {filled(), realtime.Position{Time: 50, ID: "z"}, 0, 5, false},
		"asOf vouches":                       {filled(), realtime.Position{Time: 50, ID: "z"}, 105, 0, true},
		"asOf is too old":                    {filled(), realtime.Position{Time: 50, ID: "z"}, 99, 5, false},
		"asOf before the position":           {filled(), realtime.Position{Time: 50, ID: "z"}, 40, 5, false},
		"the newest evicted":                 {evicted(), realtime.Position{Time: 120, ID: "b"}, 0, 0, true},
		"an older evicted":                   {evicted(), realtime.Position{Time: 110, ID: "a"}, 0, 3, false},
		"unknown, of an evicted millisecond": {evicted(), realtime.Position{Time: 120, ID: "x"}, 0, 3, false},
		"after what was evicted":             {evicted(), realtime.Position{Time: 121}, 0, 2, true},
		"nobody crosses a cut":               {cut(), realtime.Position{Time: 130, ID: "e"}, 0, 1, false},
		"nor from before it":                 {cut(), realtime.Position{Time: 110, ID: "a"}, 0, 1, false},
		"behind the cut":                     {cut(), realtime.Position{Time: 140, ID: "f"}, 0, 1, true},
		"asOf behind the cut":                {cut(), realtime.Position{Time: 110, ID: "a"}, 135, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, ok := tc.r.resume(tc.since, tc.asOf)
			if from != tc.from || ok != tc.ok {
				t.Errorf("got %d %v, want %d %v", from, ok, tc.from, tc.ok)
			}
		})
	}
}

func TestRecordEvictsInOrder(t *testing.T) {
	t.Parallel()
	r := &record{}
	for i := range int64(1000) {
		r.append(entry{at: realtime.Position{Time: i + 1, ID: "x"}})
		if r.len() > 10 {
			r.evict()
		}
	}
	if r.len() != 10 || r.first != 990 || r.evicted.Time != 990 || r.at(0).at.Time != 991 || cap(r.entries) > 256 {
		t.Errorf("%d entries from %d, evicted %v, capacity %d", r.len(), r.first, r.evicted, cap(r.entries))
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(1000+s), 0) }
	type heard struct {
		series   string
		number   uint64
		previous int
		at       int
		want     verdict
	}
	for name, msgs := range map[string][]heard{
		"in order":                     {{"p", 1, 0, 1, inOrder}, {"p", 2, 1, 2, inOrder}},
		"skipped":                      {{"p", 1, 0, 1, inOrder}, {"p", 3, 2, 3, skipped}, {"p", 4, 3, 4, inOrder}},
		"late":                         {{"p", 1, 0, 1, inOrder}, {"p", 3, 2, 3, skipped}, {"p", 2, 1, 4, late}},
		"first heard, began before us": {{"p", 7, -100, 1, inOrder}},
		"first heard, one is missing":  {{"p", 7, 50, 60, skipped}},
		"two publishers":               {{"p", 1, 0, 1, inOrder}, {"q", 1, 0, 1, inOrder}, {"p", 2, 1, 2, inOrder}},
		"none":                         {{"", 0, 0, 1, inOrder}, {"", 0, 0, 2, inOrder}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := series{since: at(0), skew: time.Second}
			for i, h := range msgs {
				m := &realtime.Message{Series: h.series, Number: h.number, Previous: at(h.previous)}
				m.Time = at(h.at)
				if got := s.hear(m); got != h.want {
					t.Errorf("message %d: %v, want %v", i, got, h.want)
				}
			}
		})
	}
}

func TestSeriesForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(100_000, 0)
	s := series{since: now.Add(-3 * time.Hour), skew: time.Second}
	m := &realtime.Message{Series: "p", Number: 1}
	m.Time = now.Add(-2 * time.Hour)
	s.hear(m)
	s.forget(now)
	if len(s.counts) != 0 {
		t.Fatal("it is remembered for ever")
	}
	m = &realtime.Message{Series: "p", Number: 2, Previous: now.Add(-2 * time.Hour)}
	m.Time = now
	if got := s.hear(m); got != inOrder {
		t.Errorf("a publisher that was forgotten is taken for one that skipped: %v", got)
	}
}

func TestSeenRemembersLongEnoughAndNotForEver(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := newSeen(time.Minute, now)
	if s.repeated("acme", "a", "1") || !s.repeated("acme", "a", "1") || s.repeated("acme", "b", "1") || s.repeated("globex", "a", "1") {
		t.Fatal("IDs are of one channel of one tenant")
	}
	s.turn(now.Add(time.Minute))
	if !s.repeated("acme", "a", "1") {
		t.Error("forgotten after a minute")
	}
	s.turn(now.Add(2 * time.Minute))
	s.turn(now.Add(3 * time.Minute))
	s.turn(now.Add(4 * time.Minute))
	if s.repeated("acme", "a", "1") {
		t.Error("remembered for ever")
	}
}

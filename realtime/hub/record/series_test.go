package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// TestSeriesAreBounded: whoever names a new publisher with each message takes no more memory than a thousand do.
func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	s := series{skew: time.Second}
	start := time.UnixMilli(1_767_225_600_000)
	hear := func(name string, number uint64, at time.Time) verdict {
		return s.hear(&realtime.Message{Series: name, Number: number, Previous: at.Add(-time.Minute), Publication: realtime.Publication{Time: at}})
	}
	for i := range 10 * maxSeries {
		at := start.Add(time.Duration(i) * time.Millisecond)
		if v := hear(fmt.Sprint(i), 1, at); v != inOrder {
			t.Fatalf("the first of publisher %d: %v", i, v)
		}
		if len(s.publishers) > maxSeries {
			t.Fatalf("%d publishers are counted", len(s.publishers))
		}
	}
	last := start.Add(10 * maxSeries * time.Millisecond)
	if v := hear(fmt.Sprint(10*maxSeries-1), 3, last); v != skipped {
		t.Errorf("a number skipped by one that was heard just now: %v", v)
	}
	if v := hear("0", 2, last); v != inOrder {
		t.Errorf("the second of one that was forgotten: %v", v)
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
	if len(s.publishers) != 0 {
		t.Fatal("it is remembered for ever")
	}
	m = &realtime.Message{Series: "p", Number: 2, Previous: now.Add(-2 * time.Hour)}
	m.Time = now
	if got := s.hear(m); got != inOrder {
		t.Errorf("a publisher that was forgotten is taken for one that skipped: %v", got)
	}
}

package hub

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
		if len(s.counts) > maxSeries {
			t.Fatalf("%d publishers are counted", len(s.counts))
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

package keeper

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// recentChange is a change of a channel, published so many milliseconds after a moment.
func recentChange(t *testing.T, channel string, n int, ms int64) *realtime.StateChange {
	t.Helper()
	c, err := realtime.NewChannel("acme", channel)
	if err != nil {
		t.Fatal(err)
	}
	return &realtime.StateChange{Publication: realtime.Publication{Channel: c, ID: fmt.Sprint(n), Key: "k", Time: time.UnixMilli(1_800_000_000_000 + ms)}}
}

// What is forgotten is what its channel has left behind, whatever others bring, and those that everything has come of.
func TestRecent(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	r := newRecent(&realtime.StateMark{})
	for i := range 100 { // of another time
		r.add(recentChange(t, "slow", i, int64(i)*1000))
	}
	for i := range 2*recentMost + 5000 { // 10 ms apart: as many as may be known are of 200 s
		r.add(recentChange(t, "busy", i, 60*minute+int64(i)*10))
	}
	r = newRecent(&realtime.StateMark{Recent: r.mark()})
	knows := func(channel string, n int) bool { return r.knows(recentChange(t, channel, n, 0)) }
	if len(r.all) > recentMost {
		t.Errorf("%d are kept", len(r.all))
	}
	for i := range 100 {
		if !knows("slow", i) {
			t.Fatalf("%d of the slow channel is forgotten", i)
		}
	}
	if last := 2*recentMost + 4999; !knows("busy", last) || !knows("busy", last-12_000) || knows("busy", last-12_500) {
		t.Error("of the busy channel, other than the last 2 minutes are known")
	}
	r.reached(time.UnixMilli(1_800_000_000_000 + 60*minute))
	if r.mark(); !knows("slow", 99) {
		t.Error("a channel is forgotten in which nothing has happened since")
	}
	r.reached(time.UnixMilli(1_800_000_000_000 + 62*minute))
	r.mark()
	if knows("slow", 99) {
		t.Error("a channel is known of which everything has long come")
	}
	if moved := recentChange(t, "slow", 100, 98_000); !r.add(moved) || moved.Time.UnixMilli() != 1_800_000_000_000+98_000 {
		t.Errorf("what comes of it then is of %v", moved.Time)
	}
}

// Of too many channels, those that were quiet for longest are forgotten, each as a whole.
func TestRecentOfManyChannels(t *testing.T) {
	t.Parallel()
	r := newRecent(&realtime.StateMark{})
	for i := range recentMost {
		name := fmt.Sprint("c", i)
		r.add(recentChange(t, name, 0, int64(i)))
		r.add(recentChange(t, name, 1, int64(i)+1500))
	}
	r.mark()
	for i := range recentMost {
		name := fmt.Sprint("c", i)
		first, second := r.knows(recentChange(t, name, 0, 0)), r.knows(recentChange(t, name, 1, 0))
		if want := i >= recentMost/2; first != want || second != want {
			t.Fatalf("of channel %d: %t, %t, want %t", i, first, second, want)
		}
	}
}

package demo

import (
	"testing"
	"time"
)

// What nobody looks at is sent every Unseen, what somebody begins to look at from the next event on, and what is deleted always.
func TestUnwantedIsSentSeldom(t *testing.T) {
	t.Parallel()
	looked, before, n := false, sent{}, 0
	wants := func(channel, key string) bool { return looked && channel == "sensors:a" && key == "k" }
	now := time.Now()
	count := func(d time.Duration) int {
		n = 0
		for end := now.Add(d); now.Before(end); now = now.Add(200 * time.Millisecond) {
			if before.lets(&Event{Channel: "sensors:a", Key: "k"}, now, wants) {
				n++
			}
		}
		return n
	}
	if got := count(10 * Unseen); got != 10 {
		t.Errorf("nobody looks: %d events", got)
	}
	if looked = true; count(time.Second) != 5 {
		t.Errorf("somebody looks: %d events in a second", n)
	}
	if looked = false; count(time.Second) != 0 {
		t.Errorf("nobody looks any more: %d events", n)
	}
	if !before.lets(&Event{Channel: "sensors:a", Key: "k", Delete: true}, now, wants) || !before.lets(&Event{Channel: "sensors:a", Key: "k"}, now, wants) {
		t.Error("what was deleted, or is new, is held back")
	}
	everything := sent{}
	for range 2 {
		if !everything.lets(&Event{}, now, nil) {
			t.Error("held back, though nobody knows what is looked at")
		}
	}
}

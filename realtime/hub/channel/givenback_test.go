package channel

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What is on its way to the readers of a channel is not for those whom a Set gives back meanwhile that has failed: they are not told gap before it, and are
// given it by the Set that they move to next.
func TestGivenBackBesideWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	w.skew = 10 * time.Millisecond
	f, c := live(w, "a")
	f.o.Part = 1
	moved := w.connect()
	moved.ask(f, c, realtime.Position{})
	w.publish(c)
	f.all()
	if got := moved.newsOf(c); got != "ok,"+w.last() {
		t.Fatalf("told %q", got)
	}
	move := func() *follower {
		next := w.follow()
		next.o.Part = 1
		next.Phase = PhaseCaughtUp
		next.Replaces(f.Set)
		return next
	}
	failed := move()
	failed.Prepare(c)
	w.carryOut()
	failed.hear(len(w.log))
	if m := failed.Get(c); m == nil || len(m.Readers()) != 1 {
		t.Fatal("the reader has not moved")
	}
	staying := []*listener{w.connect(), w.connect(), w.connect()}
	for _, l := range staying {
		l.ask(f, c, realtime.Position{})
	}
	f.all()
	w.now = w.now.Add(time.Second)
	w.publish(c)
	event := w.last()
	for f.heard < len(w.log) {
		f.hear(1)
	}
	if f.waiting == 0 {
		t.Fatal("nothing is on its way")
	}
	next := move()
	for f.GiveBack(failed.Set) {
		w.carryOut()
	}
	for HandOn(f.Set, w.now, func(c realtime.Channel, fault any) { t.Errorf("%s: %v", c.Name(), fault) }) {
		w.carryOut()
	}
	if got := moved.newsOf(c); got != "" {
		t.Errorf("who has come back is told %q", got)
	}
	for i, l := range staying {
		if got := l.newsOf(c); got != "ok,"+event {
			t.Errorf("client %d is told %q", i, got)
		}
	}
	next.Prepare(c)
	w.carryOut()
	next.hear(len(w.log))
	for HandOn(next.Set, w.now, func(c realtime.Channel, fault any) { t.Errorf("%s: %v", c.Name(), fault) }) {
		w.carryOut()
	}
	if got := moved.newsOf(c); got != event {
		t.Errorf("who has come back and moved again is told %q, want %q", got, event)
	}
	f.check()
	next.check()
}

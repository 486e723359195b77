package channel

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A channel goes from state to state as it is drawn, and answers by its state.
func TestStates(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	a := w.channel("a")
	f := w.follow()
	state := func(when string, want State) {
		t.Helper()
		f.check()
		if got := f.Open(a).State(); got != want {
			t.Fatalf("%s: state %d, want %d", when, got, want)
		}
	}
	told := func(when string, l *listener, want string) {
		t.Helper()
		if got := l.newsOf(a); got != want {
			t.Fatalf("%s: told %q, want %q", when, got, want)
		}
	}
	ann, bob, eve := w.connect(), w.connect(), w.connect()
	reader := ann.ask(f, a, realtime.Position{})
	w.publish(a)
	f.all()
	state("before the stream is open", Buffering)
	told("no fence can be sent", ann, "")
	f.Phase = PhaseOverdue
	f.all()
	state("while the replay is overdue", Buffering)
	told("answered early", ann, "ok")
	if reader.State() != Parked {
		t.Errorf("the reader is in state %d, want parked", reader.State())
	}
	f.Phase = PhaseCaughtUp
	w.publish(a)
	f.all()
	state("behind a fence", Live)
	told("what came since", ann, w.last())
	if reader.State() != Reading {
		t.Errorf("the reader is in state %d, want reading", reader.State())
	}
	bob.ask(f, a, w.log[0].Position())
	told("answered at once, with what was missed", bob, "resumed,"+w.last())
	f.Break()
	state("after an interruption", Unverified)
	waits := eve.ask(f, a, realtime.Position{})
	if waits.State() != Asking || f.Sure() {
		t.Errorf("a reader is in state %d, sure: %t", waits.State(), f.Sure())
	}
	f.all()
	state("behind another fence", Live)
	told("after the interruption", eve, "ok")
	if !f.Sure() {
		t.Error("all has come, and it is not sure")
	}
	w.publish(a)
	f.all()
	for _, l := range []*listener{ann, bob, eve} {
		told("all three", l, w.last())
		l.readers[a].End()
		if l.readers[a].State() != Gone {
			t.Error("it has not gone")
		}
	}
	state("without readers", Live)
}

// A reader that has seen more than the record that it moves to is not given it again, also while its client has other replays
// to take first.
func TestAheadBehindAReplay(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	w.skew = 2 * time.Second
	f, slow := live(w, "slow")
	other := w.channel("other")
	for range 20 {
		w.publish(slow)
	}
	f.all()
	since := f.Get(slow).Record().At(0).At
	ann := w.connect()
	ann.Box.LimitReplays(20) // one at a time
	ann.ask(f, other, realtime.Position{})
	w.publish(other)
	seen := w.log[len(w.log)-1]
	f.all()
	if got := ann.newsOf(other); got != "ok,"+seen.ID {
		t.Fatalf("told %q", got)
	}
	if r := ann.ask(f, slow, since); r.State() != Replaying {
		t.Fatalf("the reader of the slow channel is in state %d", r.State())
	}
	next := w.follow()
	next.Phase, next.heard = PhaseCaughtUp, len(w.log) // what was before it hears later
	next.Replaces(f.Set)
	next.Prepare(other)
	w.carryOut()
	next.hear(1)
	r := ann.readers[other]
	if r.State() != Ahead {
		t.Fatalf("the reader is in state %d, want ahead", r.State())
	}
	next.Get(other).Take(&seen, false, w.now)
	if r.State() != Reading {
		t.Errorf("the reader is in state %d, want reading", r.State())
	}
	w.publish(other)
	next.hear(len(w.log))
	if got := ann.newsOf(other); got != w.last() {
		t.Errorf("told %q, want %q once", got, w.last())
	}
	f.check()
	next.check()
}

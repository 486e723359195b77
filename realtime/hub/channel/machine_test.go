package channel

import (
	"testing"

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

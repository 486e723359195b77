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

// A reader that has seen an event which the record that it moves to never hears is told gap before the next one: with that event others
// may be missing. What comes while the event may still come is not that proof.
func TestAheadOfWhatNeverComes(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	w.skew = 10 * time.Millisecond
	f, c := live(w, "a")
	ann := w.connect()
	ann.ask(f, c, realtime.Position{})
	w.publish(c)
	f.all()
	if got := ann.newsOf(c); got != "ok,"+w.last() {
		t.Fatalf("told %q", got)
	}
	next := w.follow()
	next.Phase, next.heard = PhaseCaughtUp, len(w.log) // it never hears that event
	next.Replaces(f.Set)
	next.Prepare(c)
	w.carryOut()
	next.hear(1)
	if state := ann.readers[c].State(); state != Ahead {
		t.Fatalf("the reader is in state %d, want ahead", state)
	}
	w.publish(c)
	next.hear(len(w.log))
	if got := ann.newsOf(c); got != "" {
		t.Errorf("told %q while the event may still come", got)
	}
	w.now = w.now.Add(w.skew)
	w.publish(c)
	next.hear(len(w.log))
	if got, want := ann.newsOf(c), "gap,"+w.last(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	next.check()
}

// Who resumes while the replay is overdue is answered without a record: nobody knows what was missed, and that is said. Who begins
// misses nothing.
func TestAnsweredEarly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request Request
		want    string
	}{
		"begins":                 {Request{}, "ok"},
		"resumes":                {Request{Since: realtime.Position{Time: 1_800_000_000_000, ID: "x"}}, "ok gap"},
		"resumes at a moment":    {Request{Since: realtime.Position{Time: 1_800_000_000_000}}, "ok gap"},
		"has never had an event": {Request{Since: realtime.Position{Time: 1_800_000_000_000}, Begins: 1_800_000_000_000}, "ok"},
		"resumes without a word": {Request{Since: realtime.Position{Time: 1_800_000_000_000, ID: "x"}, Quiet: true}, "gap"},
		"begins without a word":  {Request{Quiet: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTopic(t)
			f, c, l := w.follow(), w.channel("a"), w.connect()
			f.Phase = PhaseOverdue
			tt.request.Channel = c
			r := NewReader(&l.Client, c, nil, Pace{})
			q := &Question{Request: tt.request, Reader: r, Asked: time.Now()}
			r.Asks(q)
			f.Open(c).Ask(q)
			w.carryOut()
			f.all()
			if r.State() != Parked {
				t.Fatalf("the reader is in state %d, want parked", r.State())
			}
			if got := l.newsOf(c); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
			f.check()
		})
	}
}

// What became of an event with a Condition, nobody knows where the channel has no state: readers are told gap in its place, once, and nobody
// resumes across it.
func TestUndecidedIsAGap(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	f, c := live(w, "a")
	ann := w.connect()
	ann.ask(f, c, realtime.Position{})
	w.publish(c)
	w.publish(c)
	undecided := &w.log[len(w.log)-1]
	undecided.Key, undecided.If = "k", &realtime.Condition{Is: realtime.ConditionAbsent}
	w.publish(c)
	f.all()
	first := w.log[len(w.log)-3]
	if got, want := ann.newsOf(c), "ok,"+first.ID+",gap,"+w.last(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	bob := w.connect()
	bob.ask(f, c, first.Position())
	f.all()
	if got, want := bob.newsOf(c), "ok gap"; got != want {
		t.Errorf("who resumes across it is told %q, want %q", got, want)
	}
}

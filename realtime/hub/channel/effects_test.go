package channel

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// live returns a Set that is caught up, and a channel of it that is live.
func live(w *topic, name string) (*follower, realtime.Channel) {
	f, c := w.follow(), w.channel(name)
	f.Phase = PhaseCaughtUp
	f.Prepare(c)
	f.all()
	return f, c
}

// While a tick lasts events are held back; who joins meanwhile has them from the record, and nobody twice.
func TestTicks(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	w.tenant.Namespaces = map[string]realtime.Namespace{"*": {Tick: realtime.Duration(20 * time.Millisecond)}}
	f, c := live(w, "a")
	ann, bob := w.connect(), w.connect()
	ann.ask(f, c, realtime.Position{})
	publish := func() {
		w.publish(c)
		f.all()
	}
	expect := func(when string, l *listener, want string) {
		t.Helper()
		if got := l.newsOf(c); got != want {
			t.Errorf("%s: told %q, want %q", when, got, want)
		}
	}
	publish()
	first := w.last()
	expect("the first goes at once", ann, "ok,"+first)
	publish()
	second := w.last()
	expect("the second is held back", ann, "")
	bob.ask(f, c, w.log[len(w.log)-2].Position())
	expect("who joins has it", bob, "resumed,"+second)
	expect("and with that all have", ann, second)
	publish()
	third := w.last()
	tick := w.ticks[len(w.ticks)-1]
	tick()
	for _, l := range []*listener{ann, bob} {
		expect("when the tick has passed", l, third)
	}
	tick()
	if f.Get(c).tick != nil {
		t.Error("a tick without an event does not end")
	}
	publish()
	expect("the next one goes at once again", ann, w.last())
}

// What never came is told at its place, once, and nobody resumes across it.
func TestHoles(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	f, c := live(w, "a")
	ann := w.connect()
	ann.ask(f, c, realtime.Position{})
	start := w.now
	take := func(number uint64) {
		m := realtime.Message{
			Publication: realtime.Publication{Channel: c, ID: string(rune('a' + number)), Time: start.Add(time.Duration(number) * time.Second)},
			Series:      "p", Number: number, Previous: start.Add(time.Duration(number-1) * time.Second),
		}
		f.Get(c).Take(&m, false, w.now)
		w.carryOut()
	}
	take(1)
	before := f.Get(c).Record().Position()
	take(3)
	take(2) // late: it is known to be missing
	take(4)
	if got, want := ann.newsOf(c), "ok,b,gap,d,e"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	bob := w.connect()
	bob.ask(f, c, before)
	f.all()
	if got, want := bob.newsOf(c), "ok gap"; got != want {
		t.Errorf("who resumes across it is told %q, want %q", got, want)
	}
}

// What a reader was to be given and is evicted meanwhile is a gap; where the channel conflates it is given the newest of each key.
func TestReplays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules realtime.Namespace
		want  string
	}{
		"evicted":   {realtime.Namespace{Window: 5}, "resumed,1,gap,6,7,8,9,10"},
		"conflated": {realtime.Namespace{Window: 100, Overflow: realtime.OverflowConflate}, "resumed,1,2,10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTopic(t)
			w.tenant.Namespaces = map[string]realtime.Namespace{"*": tt.rules}
			f, c := live(w, "a")
			ids := map[string]string{}
			take := func(n int) {
				w.now = w.now.Add(time.Millisecond)
				id := string(rune('a' + n))
				m := realtime.Message{Publication: realtime.Publication{Channel: c, ID: id, Key: "k", Time: w.now}}
				f.Get(c).Take(&m, false, w.now)
				w.carryOut()
				ids[id] = map[int]string{1: "1", 2: "2", 6: "6", 7: "7", 8: "8", 9: "9", 10: "10"}[n]
			}
			take(0)
			since := f.Get(c).Record().Position()
			take(1)
			take(2)
			ann := w.connect()
			ann.Box.LimitReplays(20) // one at a time
			if r := ann.ask(f, c, since); r.State() != Replaying {
				t.Fatalf("the reader is in state %d", r.State())
			}
			for n := 3; n <= 10; n++ {
				take(n)
			}
			f.check()
			got := ""
			ann.take(1 << 20)
			for i, what := range ann.told[c] {
				if number := ids[what]; number != "" {
					what = number
				}
				if i > 0 {
					got += ","
				}
				got += what
			}
			if got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
			if ann.readers[c].State() != Reading {
				t.Errorf("the reader is in state %d at the end", ann.readers[c].State())
			}
		})
	}
}

// A fence that could not be sent is sent again, and what waits for it is answered then.
func TestFenceFails(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	f := w.follow()
	f.Phase = PhaseCaughtUp
	c := w.channel("a")
	r := NewReader(&w.connect().Client, c, nil, Pace{})
	q := &Question{Request: Request{Channel: c}, Reader: r, Asked: time.Now()}
	r.Asks(q)
	f.Open(c).Ask(q)
	if len(w.fx.Fences) != 1 || w.fx.Fences[0].Channel() != c || !w.fx.Fences[0].In(f.Set) {
		t.Fatalf("fences: %v", w.fx.Fences)
	}
	failed := w.fx.Fences[0]
	w.fx = Effects{}
	failed.Failed()
	if len(f.Fences()) != 0 || !q.In(f.Set) {
		t.Error("it is under way, or the question is lost")
	}
	f.all()
	if r.State() != Reading || f.Return(failed.ID, c, w.now.UnixMilli()) {
		t.Errorf("the reader is in state %d", r.State())
	}
	if _, overdue := f.Overdue(time.Now().Add(time.Hour), time.Minute); overdue {
		t.Error("a fence is overdue, and none is under way")
	}
}

// Of a channel whose handling has panicked nothing is believed: its readers are told gap, and when it happens again the stream is
// not to be trusted either.
func TestCondemn(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	f, c := live(w, "a")
	ann := w.connect()
	r := ann.ask(f, c, realtime.Position{})
	w.publish(c)
	f.all()
	ann.newsOf(c)
	if f.Condemn(c, w.now.UnixMilli()) {
		t.Error("the first time is the stream's fault")
	}
	if got := ann.newsOf(c); got != "gap" {
		t.Errorf("told %q, want gap", got)
	}
	if !f.Condemn(c, w.now.UnixMilli()) {
		t.Error("the second time is not the stream's fault")
	}
	if r.Abandon(); r.State() != Gone || r.On() {
		t.Errorf("the reader is in state %d", r.State())
	}
	f.Dismiss(c)
	if f.check(); len(f.Busy()) != 0 {
		t.Error("the channel has readers")
	}
	if other := w.channel("unknown"); f.Condemn(other, 0) {
		t.Error("the stream is condemned for a channel that it does not know")
	}
}

// Questions are kept in order, whichever of them go, and those that are to be placed elsewhere are walked through once.
func TestQuestions(t *testing.T) {
	t.Parallel()
	l := NewQuestions()
	all := make([]*Question, 6)
	for i := range all {
		all[i] = &Question{}
		l.Add(all[i])
	}
	l.Remove(all[2])
	l.Replace()
	l.Placed()
	l.Remove(all[1]) // the next to be placed
	if l.Unplaced() != all[3] {
		t.Error("the one behind is not the next to be placed")
	}
	l.Placed()
	l.Add(&Question{})
	l.Remove(all[5])
	l.Remove(all[0])
	var left []*Question
	for q := l.First(); q != nil; q = l.First() {
		left = append(left, q)
		l.Remove(q)
	}
	if len(left) != 3 || left[0] != all[3] || left[1] != all[4] || l.Unplaced() != nil {
		t.Errorf("%d are left, unplaced: %v", len(left), l.Unplaced())
	}
}

// Questions that nobody waits for any more are not kept for ever.
func TestWithdrawnQuestionsGo(t *testing.T) {
	t.Parallel()
	w := newTopic(t)
	f, c := w.follow(), w.channel("a")
	for range 1000 {
		r := w.connect().ask(f, c, realtime.Position{})
		if !r.Question().Withdraw() || r.State() != Gone {
			t.Fatal("it was answered")
		}
	}
	if n := len(f.Get(c).waiting); n > 16 {
		t.Errorf("%d questions are kept", n)
	}
}

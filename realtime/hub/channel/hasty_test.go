package channel

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// busy is a protocol that takes its time: meanwhile others are at work.
type busy struct {
	spelled
	meanwhile func()
}

func (b busy) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	b.meanwhile()
	return b.spelled.Message(p)
}

func (b busy) Entry(to []byte, p *realtime.Publication) []byte {
	return append(to, p.ID...)
}

func (b busy) Snapshot(c realtime.Channel, s *outbox.Snapshot) outbox.Frame {
	b.meanwhile()
	return frame("%s %s", c.Name(), s.Entries)
}

func (b busy) Viewed(c realtime.Channel, _ string) outbox.Frame {
	b.meanwhile()
	return frame("%s view", c.Name())
}

func (b busy) Gap(c realtime.Channel, at realtime.Position) outbox.Frame {
	b.meanwhile()
	return b.spelled.Gap(c, at)
}

func (b busy) Tuned(c realtime.Channel, _ float64, _ string) outbox.Frame {
	b.meanwhile()
	return frame("%s tuned", c.Name())
}

// taking is a connection whose client takes all at once.
type taking struct{ l *listener }

func (t taking) Flush()         { t.l.take(1 << 20) }
func (t taking) Written() int64 { return 0 }

// A connection that was to be flushed already, and is flushed before what is given to it now is in its queue, is flushed once more: nothing lies in a
// queue that nobody is going to empty.
func TestNothingIsLeftInAQueue(t *testing.T) {
	t.Parallel()
	type scene struct {
		w *topic
		f *follower
		c realtime.Channel
		l *listener
	}
	live := func(s *scene, p Pace, since realtime.Position) {
		r := NewReader(&s.l.Client, s.c, nil, p)
		s.l.readers[s.c] = r
		q := &Question{Request: Request{Channel: s.c, Since: since, State: p.State}, Reader: r, Asked: time.Now()}
		r.Asks(q)
		s.f.Open(s.c).Ask(q)
	}
	hear := func(s *scene) {
		s.w.publish(s.c)
		m := &s.w.log[len(s.w.log)-1]
		m.Key = "k" + m.ID
		s.f.Open(s.c).Take(m, false, s.w.now)
	}
	for name, tt := range map[string]struct{ before, act func(*scene) }{
		"what is live": {func(s *scene) { live(s, Pace{}, realtime.Position{}) }, hear},
		"what a rate lets through": {func(s *scene) { live(s, Pace{Rate: 5}, realtime.Position{}) }, func(s *scene) {
			hear(s)
			s.w.fx.Wheel.Turn(time.Now().Add(time.Hour), &s.w.fx)
		}},
		"a replay": {func(s *scene) { hear(s); hear(s) }, func(s *scene) { live(s, Pace{}, s.w.log[len(s.w.log)-2].Position()) }},
		"what was missed in a pause": {func(s *scene) { live(s, Pace{Paused: true}, realtime.Position{}); hear(s) }, func(s *scene) {
			s.l.readers[s.c].Tune(Pace{}, time.Now())
		}},
		"a gap": {func(s *scene) { live(s, Pace{Paused: true}, realtime.Position{}); hear(s) }, func(s *scene) {
			s.f.Open(s.c).pending.restart()
		}},
		"a snapshot":        {func(*scene) {}, func(s *scene) { live(s, Pace{State: true}, realtime.Position{}) }},
		"a change of state": {func(s *scene) { live(s, Pace{State: true}, realtime.Position{}) }, hear},
		"another view of a state": {func(s *scene) { live(s, Pace{State: true}, realtime.Position{}) }, func(s *scene) {
			v, err := view.NewBuilder(nil).Build(&view.Rules{Keys: []string{"k"}})
			if err != nil {
				t.Error(err)
			}
			s.l.readers[s.c].See(v)
		}},
		"doubt": {func(s *scene) { live(s, Pace{State: true}, realtime.Position{}) }, func(s *scene) {
			k := stateOf(s.f.Open(s.c))
			k.Doubtful = func() bool { return true }
			Doubted(k)
		}},
		"another rate": {func(s *scene) { live(s, Pace{Rate: 5}, realtime.Position{}) }, func(s *scene) {
			Regrant(s.l.readers[s.c], &realtime.Namespace{Rate: &realtime.Rate{Max: 2}}, time.Now())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTopic(t)
			w.fx.Wheel = NewWheel()
			w.tenant.Namespaces = map[string]realtime.Namespace{"*": {State: &realtime.State{}}}
			act := func() {}
			w.spoken = protocol.New(busy{meanwhile: func() { act() }}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
			f := w.follow()
			states := map[realtime.Channel]*Keyed{}
			f.o.State = func(c realtime.Channel, _ bool) *Keyed {
				if states[c] == nil {
					states[c] = NewKeyed(record.NewTable(c, realtime.State{}, record.TableOptions{}), &w.fx, realtime.NoMetrics{})
					states[c].Known = func() *realtime.Error { return nil }
				}
				return states[c]
			}
			f.Phase = PhaseCaughtUp
			s := &scene{w, f, w.channel("a"), w.connect()}
			s.l.Schedule.Bind(w.share, taking{s.l})
			f.Prepare(s.c)
			f.all()
			tt.before(s)
			w.carryOut()
			s.l.newsOf(s.c)

			w.fx.Touch(&s.l.Client)
			early := w.fx.Queued
			w.fx.Queued = nil
			acted := 0
			act = func() {
				acted++
				w.flushes.Flush(&w.source, early)
				early = nil
			}
			tt.act(s)
			w.carryOut()
			if _, bytes := s.l.Box.Len(); bytes > 0 || acted == 0 || len(s.l.told[s.c]) == 0 {
				t.Errorf("%d bytes are left in the queue; %d frames were made, told %v", bytes, acted, s.l.told[s.c])
			}
		})
	}
}

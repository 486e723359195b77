package state_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// small is a step without a load.
func (w *world) small() {
	switch n := w.rand.IntN(100); {
	case n < 30:
		w.publish()
	case n < 80 && w.cur != nil:
		g := w.cur
		if w.next != nil && w.rand.IntN(2) == 0 {
			g = w.next
		}
		for range 1 + w.rand.IntN(6) {
			g.hear()
		}
	case n < 90:
		w.pass(time.Duration(w.rand.IntN(400)) * time.Millisecond)
	case n < 96:
		w.sweep()
	}
}

// step does anything.
func (w *world) step() {
	switch n := w.rand.IntN(1000); {
	case n < 700:
		w.small()
	case n < 720 && w.cur != nil && w.cur.replay != nil:
		w.cur.release()
	case n < 760 && w.next != nil && w.next.replay != nil:
		w.next.release()
	case n < 800:
		w.pass(time.Duration(w.rand.IntN(20)) * time.Second)
	case n < 803:
		w.pass(time.Duration(w.rand.IntN(15)) * time.Minute)
	case n < 830:
		w.subscribe(w.chans[w.rand.IntN(len(w.chans))])
	case n < 850 && len(w.reads) > 0:
		w.leave(w.rand.IntN(len(w.reads)))
	case n < 858:
		if w.next == nil || w.rand.IntN(3) == 0 {
			w.follow(w.rand.IntN(3) == 0)
		}
	case n < 862 && w.cur != nil:
		w.cur.breaks()
	case n < 866 && w.cur != nil:
		c := w.chans[w.rand.IntN(len(w.chans))]
		w.cur.stalled[c] = time.Now().Add(time.Duration(w.rand.IntN(20)) * time.Second)
	case n < 868 && w.cur != nil:
		w.cur.ended = true
		w.tell("the stream ends")
	case n < 890 && !w.storeDown:
		w.save()
	case n < 894:
		w.storeDown = w.rand.IntN(2) == 0
	case n < 900:
		w.obey(w.rand.IntN(3) > 0)
	case n < 930:
		w.load()
	case n < 960:
		w.fenceAll()
	}
	w.judge()
}

func (w *world) fenceAll() {
	if g := w.cur; g != nil {
		w.locked(func() { g.set.Prepare(w.chans[w.rand.IntN(len(w.chans))]) })
		g.work()
	}
}

// judge compares the states that are known with the truth.
func (w *world) judge() {
	if w.cur == nil || w.t.Failed() {
		return
	}
	w.locked(func() {
		for _, c := range w.chans {
			if w.doc.Rules(c.Namespace()).State == nil {
				continue
			}
			m := w.cur.set.Get(c)
			if m == nil || m.State() != channel.Live || w.cur.ended || w.cur.replay != nil || slices.ContainsFunc(w.cur.queue, func(q queued) bool { return q.Channel == c }) {
				continue
			}
			k := w.states.Of(c, true)
			if k.Known() != nil {
				continue
			}
			w.compare(c, k)
		}
	})
}

func (w *world) compare(c realtime.Channel, k *channel.Keyed) {
	for k.Expire(time.Now(), 100) > 0 { //nolint:revive // it does all
	}
	has, want := map[string]string{}, map[string]string{}
	s := record.NewSnapshot(k.Table, realtime.Position{})
	for !s.Part(k.Table, &record.Sight{}, func(key string, p *record.Pass) bool {
		p.Show(func(p *realtime.Publication) { has[key] = p.ID })
		return true
	}) { //nolint:revive // it does all
	}
	for key, m := range w.truth(c, len(w.log)) {
		want[key] = m.ID
	}
	w.judged++
	if !maps.Equal(has, want) {
		w.t.Errorf("the state of %s is %v, want %v", c.Name(), has, want)
		if os.Getenv("TIDEWIRE_STORY") != "" {
			for _, line := range w.story {
				w.t.Log(line)
			}
		}
	}
}

// end lets everything come, and judges those that somebody reads, and all that are asked for.
func (w *world) end() {
	w.storeDown = false
	w.obey(true)
	w.pass(time.Minute)
	w.follow(false)
	for range 20 {
		w.pass(10 * time.Second)
		for _, g := range w.gens() {
			if g.replay != nil {
				g.release()
			}
			for g.hear() { //nolint:revive // it hears all
			}
		}
		w.save()
		w.sweep()
		w.load()
	}
	for _, c := range w.chans {
		w.locked(func() { w.cur.set.Prepare(c) })
	}
	w.cur.work()
	for w.cur.hear() { //nolint:revive // it hears all
	}
	for _, r := range w.reads {
		if r.reader.On() {
			w.tell("%s is read", r.c.Name())
			w.locked(func() { w.compare(r.c, w.states.Of(r.c, true)) })
		}
	}
	w.judge()
	for len(w.reads) > 0 {
		w.leave(0)
	}
}

// TestKnownStatesAreTrue is the claim of a Set: a state that is known holds what the log says, whatever the streams, the keeper
// and the rules do, and one that somebody reads comes to hold it. TIDEWIRE_STEPS sets the steps of each world, TIDEWIRE_WORLDS their number, and
// TIDEWIRE_SEED the first seed.
func TestKnownStatesAreTrue(t *testing.T) {
	t.Parallel()
	steps, worlds, seed := trial.Number(t, "TIDEWIRE_STEPS", 1000), trial.Number(t, "TIDEWIRE_WORLDS", 4*trial.Scale(t)), trial.Seed(t)
	var judged atomic.Int64
	t.Cleanup(func() {
		if judged.Load() < int64(worlds*steps/100) {
			t.Errorf("%d states were judged, too few to prove anything", judged.Load())
		}
	})
	for i := range worlds {
		t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, uint64(seed+i))
				w.follow(w.rand.IntN(3) == 0)
				for range steps {
					w.step()
				}
				w.end()
				judged.Add(int64(w.judged))
			})
		})
	}
}

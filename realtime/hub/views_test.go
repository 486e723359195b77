package hub_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
)

// viewWorld is a world in which viewers read the same channels as the wanderers, as state, by filters and at their own rates.
type viewWorld struct {
	*world
	truth   *truth
	viewers []*viewer
	rules   *realtime.Tenant // the document at the beginning and at the end
	tally

	mu     sync.Mutex // guards faults
	faults []string
}

// tally is what a world has seen.
type tally struct {
	heard, answers, resumes, unavailable, gaps, tuned, judged, rounds atomic.Int64
}

func (w *viewWorld) fault(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, text)
}

// TestViewsProperty is the claim of state, rates and filters: a client that believes what it is told has on its screen what it may
// see of a channel, whenever nothing is under way: of a state all of it, at a rate the newest of each key. It holds in the world of
// TestResumeProperty, with stores that fail and keepers that are late, and who asks for nothing there has what that test claims.
// TIDEWIRE_STEPS sets the number of steps, over all worlds; TIDEWIRE_WORLDS how many there are, TIDEWIRE_SEED the first seed.
func TestViewsProperty(t *testing.T) {
	t.Parallel()
	worlds := trial.Number(t, "TIDEWIRE_WORLDS", 2*trial.Scale(t))
	steps := trial.Number(t, "TIDEWIRE_STEPS", 300*worlds)
	seed := trial.Seed(t)
	var sum tally
	var plain resumetest.Counts
	var mu sync.Mutex
	inWorlds(t, seed, worlds, func(t *testing.T, seed uint64) {
		w := newViewWorld(t, seed)
		w.live(steps / worlds)
		c := w.end()
		mu.Lock()
		defer mu.Unlock()
		add(&plain, c)
		for _, n := range []struct{ to, from *atomic.Int64 }{
			{&sum.heard, &w.heard}, {&sum.answers, &w.answers}, {&sum.resumes, &w.resumes}, {&sum.unavailable, &w.unavailable},
			{&sum.gaps, &w.gaps}, {&sum.rounds, &w.rounds}, {&sum.tuned, &w.tuned}, {&sum.judged, &w.judged},
		} {
			n.to.Add(n.from.Load())
		}
	})
	if sum.resumes.Load() == 0 || sum.unavailable.Load() == 0 || sum.judged.Load() == 0 || plain.Delivered == 0 {
		t.Error("the worlds are too quiet to prove anything")
	}
	if steps >= 1800 && (sum.gaps.Load() == 0 || sum.rounds.Load() == 0) { // some three of each in 600 steps, and sometimes none
		t.Error("the worlds are too quiet to prove anything")
	}
	t.Logf("%d steps: viewers heard %d frames, %d answers, %d resumed, %d unavailable, %d gaps, %d tuned, %d changes, %d screens judged; beside them %d delivered, %d answers, %d gaps",
		steps, sum.heard.Load(), sum.answers.Load(), sum.resumes.Load(), sum.unavailable.Load(), sum.gaps.Load(), sum.tuned.Load(), sum.rounds.Load(), sum.judged.Load(),
		plain.Delivered, plain.Answers, plain.Gaps)
}

func newViewWorld(t *testing.T, seed uint64) *viewWorld {
	t.Helper()
	w := &viewWorld{world: newWorld(t, seed)}
	transient := false
	tenant := &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{
		"plain": {State: &realtime.State{}},
		"short": {Window: 15, State: &realtime.State{Durable: &transient}},
		"quick": {WindowFor: realtime.Duration(20 * time.Second)},
		"tick":  {Tick: realtime.Duration(20 * time.Millisecond), State: &realtime.State{TTL: realtime.Duration(10 * time.Minute)}},
		"rated": {State: &realtime.State{Durable: &transient}, Rate: &realtime.Rate{Max: 8, Min: 1}},
		"ruled": {State: &realtime.State{Durable: &transient}},
	}}
	tenant.Limits.QueueMessages = 64
	w.tenant.Store(tenant)
	w.rules = tenant
	w.truth = newTruth(t, w.inner, realtime.OwnTopic(tenant), func(c realtime.Channel) *realtime.State { return tenant.Rules(c.Namespace()).State })
	w.closing.Go(w.truth.read)
	w.truth.store.tell = w.story.tell
	w.dress = w.dressed
	for _, name := range []string{"rated:1", "ruled:1"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.more = append(w.more, c)
	}
	w.options = func(o *hub.Options) { o.Filters, o.States = deskCompiler{}, w.truth.store }
	for i := range w.hubs {
		w.replaceHub(i)
	}
	for i := range 12 {
		v := &viewer{w: w, name: fmt.Sprintf("viewer%d", i)}
		v.desk, v.fixed = []string{"", "", "a", "b"}[w.rand.IntN(4)], w.rand.IntN(2) == 0
		for range 1 + w.rand.IntN(3) {
			v.watch(append(w.chans[:len(w.chans):len(w.chans)], w.more...)[w.rand.IntN(len(w.chans)+len(w.more))])
		}
		w.viewers = append(w.viewers, v)
	}
	return w
}

// watch gives the viewer a screen of a channel, if it has none.
func (v *viewer) watch(c realtime.Channel) {
	for _, have := range v.views {
		if have.channel == c {
			return
		}
	}
	s := &screen{v: v, channel: c, keys: map[string]string{}}
	if v.w.tenant.Load().Rules(c.Namespace()).State != nil {
		s.state = c.Namespace() == "ruled" || v.w.rand.IntN(4) > 0 // whose filter may be another one at any moment
	}
	s.want = v.w.wish()
	if !s.state && s.want.MaxRate == 0 && !s.want.Paused {
		s.want.MaxRate = 3
	}
	s.restart(realtime.Position{})
	v.views = append(v.views, s)
}

// wish is how somebody may want a channel.
func (w *viewWorld) wish() (want hub.Want) {
	want.Filter = []string{"", "", "", "odd", "desk a", "desk b"}[w.rand.IntN(6)]
	want.MaxRate = []float64{0, 0, 0.5, 2, 10}[w.rand.IntN(5)]
	want.Keys = [][]string{nil, nil, nil, {"1", "2", "secret-a*"}}[w.rand.IntN(4)]
	want.Paused = w.rand.IntN(12) == 0
	return want
}

// dressed makes something of an event that is about to be published.
func (w *viewWorld) dressed(p *realtime.Publication) {
	desk := string("ab"[w.rand.IntN(2)])
	p.Tags = map[string]string{"desk": desk, "odd": strconv.Itoa(w.rand.IntN(2))}
	p.Data = []byte(`"secret-` + desk + `"`)
	switch w.rand.IntN(60) {
	case 0:
		p.Op, p.Key, p.Tags, p.Data = realtime.OpClear, "", nil, nil
	case 1, 2, 3, 4, 5, 6, 7, 8:
		p.Op, p.Tags, p.Data = realtime.OpDelete, nil, nil
	case 9, 10, 11:
		p.Key = ""
	case 12, 13, 14, 15, 16, 17, 18, 19:
		p.Key = "secret-" + desk + strconv.Itoa(w.rand.IntN(3))
	case 20, 21, 22, 23:
		p.TTL = time.Duration(1+w.rand.IntN(20)) * time.Second
	}
}

// end lets what is under way arrive, judges, and takes the world down.
func (w *viewWorld) end() resumetest.Counts {
	w.broker.Calm()
	w.busy.Wait()
	w.obey(func(map[string]realtime.Namespace) {})
	w.truth.dead, w.truth.store.down, w.truth.store.slow = time.Time{}, time.Time{}, 0
	for _, v := range w.viewers {
		if v.seat == nil || v.seat.ended() {
			v.connect(w.hubs[w.rand.IntN(len(w.hubs))])
		}
		for _, sc := range v.views {
			if want := sc.want; want.Paused {
				want.Paused = false
				v.tune(sc, want)
				sc.want.Paused = false
			}
		}
	}
	for range 12 {
		w.publish(3)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		w.truth.save(w.t)
	}
	w.settle()
	for _, v := range w.viewers {
		for _, sc := range v.views {
			sc.judge()
		}
		v.disconnect()
	}
	if err := w.truth.stream.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	c := w.world.end()
	if len(w.faults) > 0 {
		for _, f := range w.faults[:min(len(w.faults), 20)] {
			w.t.Error(f)
		}
		for _, line := range w.story.lines {
			w.t.Log(line)
		}
	}
	return c
}

// settle lets those come back who were closed meanwhile, and waits until nothing is under way.
func (w *viewWorld) settle() {
	for range 5 {
		for _, v := range w.viewers {
			if v.seat == nil || v.seat.ended() {
				v.connect(w.hubs[0])
			}
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.truth.save(w.t)
	}
}

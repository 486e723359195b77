package hub_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/retained"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestConditionsProperty is the claim of conditional publications: whatever a broker does that its contract allows, whichever hub decides and
// however short it has heard the log, everybody who is told what became of one is told what a plain fold of the log from its beginning says; who reads is
// given no loser, in no snapshot and no replay either; and in the end every hub shows the same state.
func TestConditionsProperty(t *testing.T) {
	t.Parallel()
	worlds, seed := trial.Number(t, "TIDEWIRE_WORLDS", trial.Scale(t)), trial.Seed(t)
	steps := trial.Number(t, "TIDEWIRE_STEPS", 300*worlds)
	var sum conditionCounts
	var mu sync.Mutex
	inWorlds(t, seed, worlds, func(t *testing.T, seed uint64) {
		w := newConditionWorld(t, seed)
		w.live(steps / worlds)
		w.end()
		mu.Lock()
		defer mu.Unlock()
		sum.add(&w.counts)
	})
	if sum.applied == 0 || sum.lost == 0 || sum.read == 0 || sum.resumed == 0 || steps >= 1500 && sum.complete == 0 { // some two in 300 steps
		t.Error("the worlds are too quiet to prove anything")
	}
	t.Logf("%+v", sum)
}

// A publisher that comes back after hubs have forgotten what they decided, and repeats itself, is told of its own success as long as its value stands; and
// nothing is published again.
func TestALateRepetitionFindsItsOwnValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newConditionWorld(t, 1)
		w.broker.Calm()
		p := realtime.Publication{Channel: w.chans[0], ID: "mine", Key: "k", Data: []byte("1"), If: &realtime.Condition{Is: realtime.ConditionAbsent}}
		var told []realtime.Outcome
		for i := range 3 {
			for range 60 {
				o, err := w.try(w.hubs[i], w.pubs[i], p)
				if err == nil {
					told = append(told, o)
					break
				}
				time.Sleep(time.Second)
				synctest.Wait()
				w.truth.save(t)
			}
			for range 25 {
				time.Sleep(time.Minute)
				synctest.Wait()
				w.truth.save(t)
			}
			w.replaceHub((i + 1) % 3)
		}
		if len(told) != 3 || told[0].Verdict != realtime.VerdictApplied || told[1] != told[0] || told[2] != told[0] {
			t.Errorf("told %v", told)
		}
		w.truth.mu.Lock()
		n := len(slices.DeleteFunc(slices.Clone(w.truth.told), func(m realtime.Message) bool { return m.ID != "mine" }))
		w.truth.mu.Unlock()
		if n != 1 {
			t.Errorf("published %d times", n)
		}
		w.end()
	})
}

type conditionCounts struct{ tried, applied, lost, unavailable, unknown, read, gaps, resets, resumed, judged, asked, complete int }

func (c *conditionCounts) add(o *conditionCounts) {
	c.tried, c.applied, c.lost, c.unavailable, c.unknown = c.tried+o.tried, c.applied+o.applied, c.lost+o.lost, c.unavailable+o.unavailable, c.unknown+o.unknown
	c.read, c.gaps, c.resets, c.resumed, c.judged = c.read+o.read, c.gaps+o.gaps, c.resets+o.resets, c.resumed+o.resumed, c.judged+o.judged
	c.asked, c.complete = c.asked+o.asked, c.complete+o.complete
}

// conditionWorld is some hubs on one broker that misbehaves, and the truth below it.
type conditionWorld struct {
	t       *testing.T
	rand    *rand.Rand
	tenant  *realtime.Tenant
	inner   *memory.Broker
	broker  *faultybroker.Broker
	truth   *decidedTruth
	chans   []realtime.Channel
	hubs    []*hub.Hub
	pubs    []*publish.Publisher
	readers []*conditionReader
	history *retained.Reader
	born    int
	busy    sync.WaitGroup
	closing sync.WaitGroup

	mu       sync.Mutex // guards what follows
	counts   conditionCounts
	at       map[string]realtime.Position // of a channel and key, what somebody was told of last
	outcomes map[string]realtime.Outcome  // that publishers were told
}

func newConditionWorld(t *testing.T, seed uint64) *conditionWorld {
	t.Helper()
	w := &conditionWorld{t: t, rand: rand.New(rand.NewPCG(seed, 3)), inner: memory.NewBroker(memory.BrokerOptions{SingleChannels: single(seed)}), at: map[string]realtime.Position{}, outcomes: map[string]realtime.Outcome{}}
	transient := false
	w.tenant = &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{
		"kept": {State: &realtime.State{}}, "lock": {State: &realtime.State{Durable: &transient}},
	}}
	w.tenant.Limits.QueueMessages = 4096
	w.broker = faultybroker.New(w.inner, faultybroker.Rough(seed))
	for _, name := range []string{"kept:1", "lock:1", "lock:2"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.chans = append(w.chans, c)
	}
	w.history = newHistory(w.broker)
	w.truth = newDecidedTruth(t, w.inner, w.tenant)
	w.closing.Go(w.truth.read)
	for range 3 {
		w.hubs = append(w.hubs, w.newHub())
		w.pubs = append(w.pubs, publish.New(w.broker, publish.Options{Timeout: 5 * time.Second}))
	}
	for i := range 9 {
		w.readers = append(w.readers, &conditionReader{w: w, channel: w.chans[i%3], state: i%2 == 0})
	}
	return w
}

func (w *conditionWorld) newHub() *hub.Hub {
	w.born++
	return hub.New(w.broker, hub.Options{
		Instance: "hub" + strconv.Itoa(w.born), Payload: wire.Compact, States: w.truth.store, Pace: hub.Pace{Skew: 100 * time.Millisecond},
	})
}

func (w *conditionWorld) live(steps int) {
	for range steps {
		switch n := w.rand.IntN(100); {
		case n < 60:
			for range 1 + w.rand.IntN(4) {
				w.publish()
			}
		case n < 75:
			w.readers[w.rand.IntN(len(w.readers))].connect(w.hubs[w.rand.IntN(3)])
		case n < 82:
			w.readers[w.rand.IntN(len(w.readers))].disconnect()
		case n < 84:
			w.replaceHub(w.rand.IntN(3))
		case n < 88:
			w.ask()
		}
		switch n := w.rand.IntN(1000); {
		case n < 700:
			time.Sleep(time.Duration(w.rand.IntN(5)) * time.Millisecond)
		case n < 900:
			time.Sleep(time.Duration(w.rand.IntN(500)) * time.Millisecond)
		case n < 995:
			time.Sleep(time.Duration(w.rand.IntN(20)) * time.Second)
		default:
			time.Sleep(time.Duration(w.rand.IntN(8)) * time.Minute)
		}
		synctest.Wait()
		w.truth.save(w.t)
		w.check()
		for _, r := range w.readers {
			r.judge()
		}
	}
}

func (w *conditionWorld) replaceHub(i int) {
	old := w.hubs[i]
	w.hubs[i] = w.newHub()
	w.closing.Go(func() {
		if err := old.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
}

// publish publishes something, conditional mostly, as a client of a gateway does.
func (w *conditionWorld) publish() {
	i := w.rand.IntN(3)
	p := realtime.Publication{Channel: w.chans[w.rand.IntN(3)], Key: "k" + strconv.Itoa(w.rand.IntN(3)), Data: []byte("1")}
	name := p.Channel.Name() + " " + p.Key
	w.mu.Lock()
	at := w.at[name]
	w.mu.Unlock()
	switch n := w.rand.IntN(20); {
	case n == 0:
		p.Op, p.Key, p.Data = realtime.OpClear, "", nil
	case n == 1:
		p.Op, p.Data = realtime.OpDelete, nil
	case n == 2:
	case n < 9:
		p.If, p.TTL = &realtime.Condition{Is: realtime.ConditionAbsent}, time.Duration(1+w.rand.IntN(60))*time.Second
	case n < 11:
		p.If = &realtime.Condition{Is: realtime.ConditionPresent}
	case !at.IsZero():
		p.If = &realtime.Condition{Is: realtime.ConditionPosition, Position: at}
		if p.TTL = 30 * time.Second; n < 14 {
			p.Op, p.Data, p.TTL = realtime.OpDelete, nil, 0
		}
	}
	h, publisher, again, begun := w.hubs[i], w.pubs[i], 1+w.rand.IntN(5), time.Now()
	w.busy.Go(func() {
		for ; again > 0 && time.Since(begun) < 25*time.Second; again-- { // what is repeated later may be taken for another one
			o, err := w.try(h, publisher, p)
			if p.If == nil && err == nil {
				return
			}
			if err == nil {
				w.told(name, &p, o)
				return
			}
			w.mu.Lock()
			if w.counts.unavailable++; realtime.CodeOf(err) == realtime.CodeConflict {
				w.counts.unknown++
			}
			w.mu.Unlock()
			if realtime.CodeOf(err) != realtime.CodeUnavailable || p.ID == "" {
				return
			}
			time.Sleep(time.Second)
		}
	})
}

// try publishes once.
func (w *conditionWorld) try(h *hub.Hub, publisher *publish.Publisher, p realtime.Publication) (o realtime.Outcome, err error) {
	ctx := context.Background()
	if p.If == nil {
		return o, publisher.Publish(ctx, w.tenant, []realtime.Publication{p})
	}
	page := &page{t: w.t, box: outbox.New(wire.Encoder{}, nil)}
	if page.conn, err = h.Connect(w.tenant, &realtime.Principal{Tenant: "acme", User: "u", Expires: time.Now().Add(time.Hour)}, page.box, page); err != nil {
		return o, err
	}
	defer h.Disconnect(page.conn)
	a, err := hub.Try(ctx, page.conn, &p)
	if err != nil {
		return o, err
	}
	defer a.End()
	if !a.Known() {
		if err := publisher.Publish(ctx, w.tenant, []realtime.Publication{p}); err != nil {
			return o, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	o, err = a.Wait(ctx)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.outcomes[a.ID()] = o
	}
	return o, err
}

// check compares what publishers were told with the truth.
func (w *conditionWorld) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, o := range w.outcomes {
		want, is := w.truth.outcome(id)
		if !is || want != (o.Verdict == realtime.VerdictApplied) {
			w.t.Errorf("%s: told %v, and the log says %v (%v)\n%s", id, o, want, is, w.truth.story(id))
		}
	}
	clear(w.outcomes)
}

func (w *conditionWorld) told(name string, p *realtime.Publication, o realtime.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counts.tried++; o.Verdict == realtime.VerdictApplied {
		w.counts.applied++
	} else {
		w.counts.lost++
	}
	if p.Op == realtime.OpSet && !o.Position.IsZero() {
		w.at[name] = o.Position
	}
}

// end lets what is under way arrive, and compares the screens of all readers with the truth.
func (w *conditionWorld) end() {
	w.broker.Calm()
	w.busy.Wait()
	for range 12 {
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.truth.save(w.t)
	}
	w.check()
	for i, r := range w.readers {
		r.judge()
		r.disconnect()
		r.since = realtime.Position{}
		r.connect(w.hubs[i%3])
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	for _, r := range w.readers {
		r.judge()
		if want := w.truth.state(r.channel); r.state && (!r.whole || !maps.Equal(r.screen, want)) {
			w.t.Errorf("%s: a reader has %v (whole %v), want %v", r.channel.Name(), r.screen, r.whole, want)
			for _, id := range want {
				w.t.Log(w.truth.story(id))
			}
		}
		w.counts.judged++
		r.disconnect()
	}
	for i := range w.hubs {
		w.replaceHub(i)
	}
	if err := w.history.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	closeAll(w.t, w.hubs, w.broker, w.inner)
	w.closing.Wait()
}

package hub_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestRewindProperty subscribes with a rewind at random moments while events run, hubs come and go and the broker misbehaves within its contract:
// what was before and what is new have neither a gap nor a double between them, and complete is never wrong. TIDEWIRE_TRIALS sets how many
// subscribes there are, over all worlds; TIDEWIRE_SEED the first seed.
func TestRewindProperty(t *testing.T) {
	t.Parallel()
	worlds := 3 * trial.Scale(t)
	trials := trial.Number(t, "TIDEWIRE_TRIALS", 135*worlds)
	seed := trial.Seed(t)
	var mu sync.Mutex
	var sum rewindCounts
	inWorlds(t, seed, worlds, func(t *testing.T, seed uint64) {
		w := newRewindWorld(t, seed)
		w.live(trials / worlds)
		mu.Lock()
		defer mu.Unlock()
		sum.add(&w.counts)
	})
	if sum.answers == 0 || sum.whole == 0 || sum.complete == 0 || sum.complete == sum.answers {
		t.Errorf("the worlds are too quiet to prove anything: %+v", sum)
	}
	t.Logf("%+v", sum)
}

// rewindCounts say what happened.
type rewindCounts struct{ answers, rewound, complete, whole, refused int }

func (c *rewindCounts) add(more *rewindCounts) {
	c.answers += more.answers
	c.rewound += more.rewound
	c.complete += more.complete
	c.whole += more.whole
	c.refused += more.refused
}

// rewindWorld is a world whose clients rewind.
type rewindWorld struct {
	*world
	ledger *ledger
	open   []*rewinder

	mu     sync.Mutex // guards counts
	counts rewindCounts
}

func (w *rewindWorld) count(change func(*rewindCounts)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.counts)
}

func newRewindWorld(t *testing.T, seed uint64) *rewindWorld {
	t.Helper()
	w := &rewindWorld{world: newWorld(t, seed)}
	w.ledger = newLedger(w.checker.Tap(w.inner))
	w.broker = faultybroker.New(w.ledger, faultybroker.Rough(seed))
	tenant := *w.tenant.Load()
	tenant.Namespaces["deep"] = realtime.Namespace{Window: 700, WindowFor: realtime.Duration(5 * time.Minute)}
	tenant.Namespaces["folds"] = realtime.Namespace{Overflow: realtime.OverflowConflate}
	tenant.Limits.QueueMessages = 1024
	if seed%3 == 0 {
		tenant.Limits.RecordBytes = 60_000 // what is evicted is evicted by the tenant's quota
	}
	w.tenant.Store(&tenant)
	for _, name := range []string{"deep:1", "deep:2"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.chans = append(w.chans, c)
	}
	w.rebuild()
	return w
}

// rebuild gives publishers and hubs the broker of this world.
func (w *rewindWorld) rebuild() {
	for i := range w.pubs {
		w.pubs[i] = newPublisher(w.broker)
	}
	for i := range w.hubs {
		old := w.hubs[i]
		w.hubs[i] = w.newHub()
		w.closing.Go(func() { _ = old.Close(w.t.Context()) })
	}
	w.clients = nil
}

// live takes steps until there have been that many rewinds, and judges.
func (w *rewindWorld) live(trials int) {
	for done := 0; done < trials; {
		switch n := w.rand.IntN(100); {
		case n < 30:
			w.publish(1 + w.rand.IntN(4))
		case n < 34:
			w.publish(40)
		case n < 36:
			w.publish(300)
		case n < 86:
			for range 1 + w.rand.IntN(4) {
				w.ask()
				done++
			}
		case n < 87:
			w.replaceHub(w.rand.IntN(len(w.hubs)))
		}
		w.pause()
		for len(w.open) > 30 {
			w.leave(w.rand.IntN(len(w.open)))
		}
	}
	w.broker.Calm()
	w.busy.Wait()
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	for _, r := range w.open {
		r.finish()
	}
	for len(w.open) > 0 {
		w.leave(0)
	}
	w.close()
}

// ask has a new client subscribe.
func (w *rewindWorld) ask() {
	r := &rewinder{w: w, channel: w.chans[w.rand.IntN(len(w.chans))], box: outbox.New(wire.Encoder{}, nil), hub: w.hubs[w.rand.IntN(len(w.hubs))]}
	if w.rand.IntN(3) == 0 {
		r.box.LimitReplays(2 + w.rand.IntN(3000))
	}
	r.rewind.Count = 1 + w.rand.IntN(30)
	switch w.rand.IntN(4) {
	case 0:
		r.rewind = realtime.Rewind{For: time.Duration(1+w.rand.IntN(300_000)) * time.Millisecond}
	case 1:
		r.rewind.Count = 1 + w.rand.IntN(900)
	}
	var keys []string
	if w.rand.IntN(2) == 0 {
		r.key = strconv.Itoa(w.rand.IntN(5))
		keys = []string{r.key}
	}
	conn, err := r.hub.Connect(w.tenant.Load(), &realtime.Principal{
		Tenant: "acme", User: "ann", Expires: time.Now().Add(1000 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, r.box, r)
	if err != nil {
		return
	}
	r.conn = conn
	if err := r.hub.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: r.channel, Rewind: r.rewind, Want: hub.Want{Keys: keys}}); err != nil {
		w.t.Error(err)
	}
	w.open = append(w.open, r)
	if w.rand.IntN(4) == 0 { // it does not read for a while
		r.mu.Lock()
		r.stuck = true
		r.mu.Unlock()
		d := time.Duration(w.rand.IntN(4000)) * time.Millisecond
		w.closing.Go(func() {
			time.Sleep(d)
			r.mu.Lock()
			r.stuck = false
			r.mu.Unlock()
			r.Flush()
		})
	}
}

func (w *rewindWorld) leave(i int) {
	r := w.open[i]
	w.open[i] = w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	r.end()
}

package keeper_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/keeper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = realtime.Topic("tw-acme")

// TestCheckpointsAreTrue: whatever befalls two keepers and their broker, a checkpoint holds of each key what the log says at some moment that is not before
// its watermark; and in the end all of it.
func TestCheckpointsAreTrue(t *testing.T) {
	t.Parallel()
	const worlds = 6
	var answered atomic.Int64
	first := trial.Seed(t)
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			seed := uint64(first + i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, seed)
					w.run()
					answered.Add(int64(w.answered))
				})
			})
		}
	})
	if n := answered.Load(); n < worlds*200 && !t.Failed() { // one of them may have keepers that die again and again
		t.Errorf("only %d checkpoints had a watermark", n)
	}
}

// world is a log, two keepers, a store, and what the log says.
type world struct {
	*testing.T
	seed     uint64
	topic    *faultyTopic
	store    *memory.States
	tenants  *memory.Tenants
	channels []realtime.Channel

	mu       sync.Mutex // guards what follows
	rand     *rand.Rand
	said     map[realtime.Channel][]realtime.Publication // the log, without repetitions
	ids      map[string]time.Time                        // published lately
	number   int
	low      map[realtime.Channel]time.Time // the last watermark
	answered int
}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		T: t, seed: seed, rand: r, store: memory.NewStates(), said: map[realtime.Channel][]realtime.Publication{}, ids: map[string]time.Time{},
		low: map[realtime.Channel]time.Time{},
		topic: newFaultyTopic(rand.New(rand.NewPCG(seed, 2)), realtime.DurablePace{
			Redelivery: 90 * time.Second, Settle: time.Minute, Quiet: 2 * time.Second, Retention: 7 * 24 * time.Hour,
		}),
	}
	w.topic.cuts, w.topic.again = 0.002, 0.002
	doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{
		"fleet": {State: &realtime.State{}}, "short": {State: &realtime.State{TTL: realtime.Duration(40 * time.Second)}}, "chat": {},
	}}
	var err error
	if w.tenants, err = memory.NewTenants(doc); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fleet:eu", "fleet:us", "short:x"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.channels = append(w.channels, c)
	}
	return w
}

func (w *world) run() {
	ctx, stop := context.WithCancel(w.Context())
	var running sync.WaitGroup
	publishing, quiet := context.WithCancel(ctx)
	running.Go(func() { w.publish(publishing) })
	for i := range uint64(2) {
		running.Go(func() { w.keeps(ctx, publishing, i) })
	}
	for n := 0; n < 40*6 && !w.Failed(); n++ {
		time.Sleep(10 * time.Second)
		w.check(false)
	}
	quiet()
	time.Sleep(10 * time.Minute)
	w.check(true)
	stop()
	running.Wait()
}

// publish publishes until ctx ends.
func (w *world) publish(ctx context.Context) {
	for ctx.Err() == nil {
		w.mu.Lock()
		for range w.rand.IntN(4) {
			w.publishOne()
		}
		pause := time.Duration(w.rand.IntN(1200)) * time.Millisecond
		w.mu.Unlock()
		time.Sleep(pause)
	}
}

func (w *world) publishOne() {
	c := w.channels[w.rand.IntN(len(w.channels))]
	p := realtime.Publication{Channel: c, Key: string(rune('a' + w.rand.IntN(4))), ID: fmt.Sprint(w.number), Data: []byte(`1`)}
	w.number++
	switch w.rand.IntN(20) {
	case 0:
		p.Op, p.Key, p.Data = realtime.OpClear, "", nil
	case 1, 2, 3:
		p.Op, p.Data = realtime.OpDelete, nil
	case 4, 5:
		p.TTL = time.Duration(1+w.rand.IntN(100)) * time.Second
	case 6: // an event that is none of the state
		p.Key = ""
	case 7: // somebody tries again
		for _, have := range w.said[c] {
			if time.Since(have.Time) < 50*time.Second && w.rand.IntN(5) == 0 {
				have.Time = time.Time{}
				w.topic.store(realtime.Message{Kind: realtime.KindPublication, Publication: have})
				return
			}
		}
	}
	w.condition(&p)
	m := w.topic.store(realtime.Message{Kind: realtime.KindPublication, Publication: p})
	if m.If != nil && !m.If.Holds(w.stateOf(c, p.Key), m.Time.UnixMilli()) {
		return // it has lost
	}
	m.If = nil
	w.said[c] = append(w.said[c], m.Publication)
}

// condition gives some publications a condition, as an instance does: with what it knows, which may be of a while ago.
func (w *world) condition(p *realtime.Publication) {
	if p.Key == "" || w.rand.IntN(3) > 0 {
		return
	}
	now := w.stateOf(p.Channel, p.Key)
	c := &realtime.Condition{Is: realtime.ConditionAbsent, Known: now, AsOf: time.Now().UnixMilli()}
	switch {
	case w.rand.IntN(3) == 0:
		c.Is = realtime.ConditionPresent
	case now.At.ID != "" && w.rand.IntN(2) == 0:
		c.Is, c.Position = realtime.ConditionPosition, now.At
	}
	if w.rand.IntN(3) == 0 {
		c.Known, c.AsOf = realtime.KeyState{}, 0
		for _, said := range slices.Backward(w.said[p.Channel]) { // all but the newest, if that is of the key
			if said.Key == p.Key && said.ID != now.At.ID || said.Op == realtime.OpClear {
				c.Known = stateOf(&said)
				break
			}
		}
		c.AsOf = c.Known.At.Time
	}
	p.If = c
	if p.Op == realtime.OpSet && p.Channel.Namespace() == "short" && (p.TTL == 0 || p.TTL > 40*time.Second) {
		p.TTL = 40 * time.Second
	}
}

// stateOf is what the log says of a key.
func (w *world) stateOf(c realtime.Channel, key string) (s realtime.KeyState) {
	for _, said := range slices.Backward(w.said[c]) {
		if said.Key == key || said.Op == realtime.OpClear {
			return stateOf(&said)
		}
	}
	return s
}

func stateOf(p *realtime.Publication) realtime.KeyState {
	s := realtime.KeyState{At: p.Position()}
	ttl := p.TTL
	if p.Channel.Namespace() == "short" && (ttl == 0 || ttl > 40*time.Second) {
		ttl = 40 * time.Second
	}
	if p.Op != realtime.OpSet {
		s.Ends = s.At.Time
	} else if ttl > 0 {
		s.Ends = p.Time.Add(ttl).UnixMilli()
	}
	return s
}

// keeps makes rounds, each time as a process that may die, until ctx ends; in the end none does.
func (w *world) keeps(ctx, hostile context.Context, number uint64) {
	r := rand.New(rand.NewPCG(w.seed, 10+number))
	for ctx.Err() == nil {
		m := &mortal{DurableReader: w.topic, StateWriter: w.store, rand: r, calls: -1}
		if hostile.Err() == nil {
			m.fails = 0.1
			if r.IntN(4) == 0 {
				m.calls = 1 + r.IntN(60)
			}
		} else {
			w.topic.mu.Lock()
			w.topic.cuts = 0
			w.topic.mu.Unlock()
		}
		k := keeper.New(keeper.Options{Broker: w.topic, Reader: m, Tenants: w.tenants, States: m, Bytes: 16 * 3000})
		for rounds := 1 + r.IntN(4); rounds > 0 && ctx.Err() == nil; rounds-- {
			if _, err := k.Run(ctx); err != nil {
				w.Error(err)
			}
			select {
			case <-time.After(time.Duration(20+r.IntN(60)) * time.Second):
			case <-ctx.Done():
			}
		}
	}
}

// check compares what is stored with the log.
func (w *world) check(whole bool) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.channels {
		got, err := w.store.Checkpoint(w.Context(), topic, c)
		if err != nil {
			w.Error(err)
			return
		}
		if got.Watermark.IsZero() && !whole {
			continue
		}
		w.answered++
		if got.Watermark.Before(w.low[c]) {
			w.Errorf("seed %d: the watermark of %v went back", w.seed, c)
		}
		w.low[c] = got.Watermark
		log := w.said[c]
		low := 0
		for low < len(log) && log[low].Time.Before(got.Watermark) {
			low++
		}
		if whole && low < len(log) {
			w.Errorf("seed %d: the watermark %v of %v is before the end of the log", w.seed, got.Watermark, c)
		}
		has := map[string]string{}
		for _, e := range got.Entries {
			has[e.Key] = e.ID
		}
		for key := 'a'; key < 'a'+4; key++ {
			if !w.allowed(log, string(key), has[string(key)], low) {
				w.Errorf("seed %d: %v: key %c is %q with watermark %v (%d of %d)", w.seed, c, key, has[string(key)], got.Watermark, low, len(log))
			}
		}
	}
}

// allowed reports whether the log says of a key, at some moment from low on, that it has this value now.
func (w *world) allowed(log []realtime.Publication, key, id string, low int) bool {
	value, over := "", time.Time{}
	for i := 0; ; i++ {
		now := value
		if !over.IsZero() && !over.After(time.Now()) {
			now = ""
		}
		if i >= low && now == id {
			return true
		}
		if i == len(log) {
			return false
		}
		switch p := &log[i]; {
		case p.Op == realtime.OpClear, p.Op == realtime.OpDelete && p.Key == key:
			value, over = "", time.Time{}
		case p.Op == realtime.OpSet && p.Key == key:
			value, over = p.ID, p.Expires()
			if most := p.Time.Add(40 * time.Second); p.Channel.Namespace() == "short" && (over.IsZero() || over.After(most)) {
				over = most
			}
		}
	}
}

package state_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/state"
)

const (
	horizon = 5 * time.Minute
	margin  = time.Minute
	memory  = 10 * time.Minute
	skew    = 100 * time.Millisecond
)

// world is a topic, streams of it that lag, break and end, a keeper that is late, and the states of its channels. Everything happens in one
// goroutine, in a bubble.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	log   []realtime.Message
	chans []realtime.Channel
	began time.Time
	sent  int
	pubs  [2]publisher
	later []realtime.Message // copies that a publisher's retry will store, with the moment

	saved     int       // how much of log the keeper has folded
	watermark time.Time // zero: nothing is kept
	storeDown bool
	inside    int // of a load

	mu     sync.Mutex
	fx     channel.Effects
	doc    *realtime.Tenant
	states *state.Set
	tasks  []func()
	limits realtime.Limits
	during func() // a load; nil: something by chance
	cur    *gen
	next   *gen
	spoken *protocol.Protocol
	share  *schedule.Tenant
	flush  *schedule.Scheduler
	source schedule.Source
	reads  []*client
	story  []string
	judged int
}

type publisher struct {
	series string
	number map[realtime.Channel]uint64
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 11)), began: time.Now()}
	for _, name := range []string{"kept:1", "kept:2", "brief:1", "flips:1", "flips:2"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.chans = append(w.chans, c)
	}
	for i := range w.pubs {
		w.pubs[i] = publisher{fmt.Sprintf("p%d", i), map[realtime.Channel]uint64{}}
	}
	w.doc = w.rules(true)
	w.flush = schedule.New(1)
	w.share = w.flush.Join("acme", 1)
	w.spoken = protocol.New(plain{}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
	w.fx = channel.Effects{Wheel: channel.NewWheel()}
	w.fx.Panicked = func(_ *channel.Client, fault any) { panic(fault) }
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w.states = state.New(state.Options{
		Owner: owner{w}, Topic: "t", Store: store{w}, Effects: &w.fx, Metrics: realtime.NoMetrics{}, Log: slog.New(slog.DiscardHandler),
		Margin: margin, Skew: skew, Memory: memory, Life: ctx,
	})
	return w
}

// rules has namespaces of which one keeps state at times only.
func (w *world) rules(flips bool) *realtime.Tenant {
	d := &realtime.Tenant{ID: "acme", Version: 1, Limits: w.limits, Namespaces: map[string]realtime.Namespace{
		"kept":  {State: &realtime.State{}},
		"brief": {WindowFor: realtime.Duration(10 * time.Second), State: &realtime.State{TTL: realtime.Duration(time.Hour)}},
		"flips": {},
	}}
	if flips {
		d.Namespaces["flips"] = realtime.Namespace{State: &realtime.State{}}
	}
	return d
}

func (w *world) tell(format string, args ...any) {
	w.story = append(w.story, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// owner is the world as its states see it.
type owner struct{ w *world }

func (o owner) Lock() { o.w.mu.Lock(); o.w.fx.Begin() }

func (o owner) Unlock() { o.w.carryOut() }

func (o owner) Ask(q *channel.Question) {
	o.Lock()
	defer o.Unlock()
	q.Reader.Asks(q)
	if o.w.cur == nil {
		q.Withdraw()
		return
	}
	g := o.w.cur
	if n := o.w.next; n != nil {
		if g.set.Open(q.Request.Channel).AnswerAtOnce(q) {
			return
		}
		g = n
	}
	g.set.Open(q.Request.Channel).Ask(q)
}

func (o owner) Document(string) *realtime.Tenant { return o.w.doc }

func (o owner) Used(c realtime.Channel, k *channel.Keyed) bool {
	for _, g := range o.w.gens() {
		if channel.Uses(g.set, c, k) {
			return true
		}
	}
	return false
}

func (o owner) Stopped() bool { return false }

func (o owner) Go(do func()) { o.w.tasks = append(o.w.tasks, do) }

func (w *world) gens() (all []*gen) {
	for _, g := range []*gen{w.cur, w.next} {
		if g != nil {
			all = append(all, g)
		}
	}
	return all
}

// carryOut releases the lock and does what has followed.
func (w *world) carryOut() {
	for _, r := range w.fx.Refused {
		w.tell("refused %s: %v", r.Question.Request.Channel.Name(), r.Err)
		r.Question.Withdraw()
	}
	w.fx.Refused, w.fx.Answered = w.fx.Refused[:0], w.fx.Answered[:0]
	if w.fx.Moved {
		w.fx.Moved = false
		w.settle()
	}
	fences, queued := w.fx.Fences, w.fx.Queued
	w.fx.Fences, w.fx.Queued, w.fx.Closes, w.fx.Ends = nil, nil, nil, nil
	w.mu.Unlock()
	for _, f := range fences {
		w.append(realtime.Message{Kind: realtime.KindFence, Publication: realtime.Publication{Channel: f.Channel(), ID: f.ID}})
	}
	w.flush.Flush(&w.source, queued)
}

func (w *world) locked(do func()) {
	owner{w}.Lock()
	defer owner{w}.Unlock()
	do()
}

// settle ends the older stream when nobody reads by it.
func (w *world) settle() {
	if w.next == nil || len(w.cur.set.Busy()) > 0 {
		return
	}
	w.next.set.Alone()
	w.cur, w.next = w.next, nil
	w.tell("the older stream is let go")
}

// append stores a message.
func (w *world) append(m realtime.Message) {
	m.Time = time.UnixMilli(time.Now().UnixMilli())
	w.log = append(w.log, m)
	for _, g := range w.gens() {
		if !g.ended {
			g.queue = append(g.queue, queued{m, time.Now()})
		}
	}
}

// event returns what a publisher publishes next to a channel.
func (w *world) event(p *publisher, c realtime.Channel, key string) realtime.Message {
	w.sent++
	p.number[c]++
	return realtime.Message{Kind: realtime.KindPublication, Series: p.series, Number: p.number[c], Publication: realtime.Publication{
		Channel: c, ID: strconv.Itoa(w.sent), Key: key, Data: []byte("1"),
	}}
}

// publish publishes something.
func (w *world) publish() {
	m := w.event(&w.pubs[w.rand.IntN(2)], w.chans[w.rand.IntN(len(w.chans))], strconv.Itoa(w.rand.IntN(6)))
	switch w.rand.IntN(60) {
	case 0:
		m.Op, m.Key, m.Data = realtime.OpClear, "", nil
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		m.Op, m.Data = realtime.OpDelete, nil
	case 11, 12, 13, 14:
		m.TTL = time.Duration(1+w.rand.IntN(20)) * time.Second
	}
	w.put(m)
	if w.rand.IntN(40) == 0 {
		m.Time = time.Now().Add(time.Duration(w.rand.IntN(30_000)) * time.Millisecond)
		w.later = append(w.later, m)
	}
}

// put stores what somebody publishes.
func (w *world) put(m realtime.Message) {
	w.tell("publish %s %s %s op %v ttl %v by %s %d", m.Channel.Name(), m.ID, m.Key, m.Op, m.TTL, m.Series, m.Number)
	w.append(m)
}

// pass lets time pass. What should have come comes meanwhile.
func (w *world) pass(d time.Duration) {
	for ; d > 5*time.Second; d -= 5 * time.Second {
		w.tick(5 * time.Second)
		w.sweep()
	}
	w.tick(d)
}

func (w *world) tick(d time.Duration) {
	time.Sleep(d)
	for _, g := range w.gens() {
		g.keepUp()
	}
	for i := 0; i < len(w.later); i++ {
		if m := w.later[i]; !m.Time.After(time.Now()) {
			w.later = slices.Delete(w.later, i, i+1)
			w.tell("second copy of %s", m.ID)
			w.append(m)
			i--
		}
	}
	w.locked(func() { w.fx.Wheel.Turn(time.Now(), &w.fx) })
	for _, r := range w.reads {
		r.take()
	}
}

// sweep is what a hub does every second or so.
func (w *world) sweep() {
	w.locked(func() {
		w.states.Look()
		if w.next == nil && w.cur != nil && w.cur.set.Sure() {
			w.cur.set.Vouched = w.cur.heard
		}
		for _, g := range w.gens() {
			g.set.Look(1)
		}
	})
	for more := true; more; {
		w.locked(func() {
			more = w.states.Sweep(time.Now())
			for _, g := range w.gens() {
				more = g.set.Age(time.Now()) || more
			}
		})
	}
	for _, g := range w.gens() {
		g.work()
	}
	w.locked(w.settle)
}

func (w *world) obey(flips bool) {
	w.tell("flips keeps state: %v", flips)
	w.doc = w.rules(flips)
	w.locked(func() {
		w.states.Obey(w.doc)
		for _, g := range w.gens() {
			g.set.Obey(w.doc)
		}
	})
}

// load does the loads under way.
func (w *world) load() {
	for len(w.tasks) > 0 {
		do := w.tasks[0]
		w.tasks = w.tasks[1:]
		do()
	}
}

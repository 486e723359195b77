package hub_test

import (
	"context"
	"fmt"
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
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestConditionsProperty is the claim of conditional publications: whatever a broker does that its contract allows, whichever hub decides and
// however short it has heard the log, everybody who is told what became of one is told what a plain fold of the log from its beginning says; who reads is
// given no loser, in no snapshot and no replay either; and in the end every hub shows the same state.
func TestConditionsProperty(t *testing.T) {
	t.Parallel()
	worlds, seed := number(t, "TIDEWIRE_WORLDS", 3), number(t, "TIDEWIRE_SEED", 1)
	steps := number(t, "TIDEWIRE_STEPS", 300*worlds)
	var sum conditionCounts
	var mu sync.Mutex
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newConditionWorld(t, uint64(seed+i))
					w.live(steps / worlds)
					w.end()
					mu.Lock()
					defer mu.Unlock()
					sum.add(&w.counts)
				})
			})
		}
	})
	if sum.applied == 0 || sum.lost == 0 || sum.read == 0 || sum.resumed == 0 {
		t.Error("the worlds are too quiet to prove anything")
	}
	t.Logf("%+v", sum)
}

type conditionCounts struct{ tried, applied, lost, unavailable, unknown, read, gaps, resets, resumed, judged int }

func (c *conditionCounts) add(o *conditionCounts) {
	c.tried, c.applied, c.lost, c.unavailable, c.unknown = c.tried+o.tried, c.applied+o.applied, c.lost+o.lost, c.unavailable+o.unavailable, c.unknown+o.unknown
	c.read, c.gaps, c.resets, c.resumed, c.judged = c.read+o.read, c.gaps+o.gaps, c.resets+o.resets, c.resumed+o.resumed, c.judged+o.judged
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
	w := &conditionWorld{t: t, rand: rand.New(rand.NewPCG(seed, 3)), inner: memory.NewBroker(memory.BrokerOptions{}), at: map[string]realtime.Position{}, outcomes: map[string]realtime.Outcome{}}
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
	for _, h := range w.hubs {
		if err := h.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
	if err := w.broker.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := w.inner.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.closing.Wait()
}

// conditionReader believes what it is told.
type conditionReader struct {
	w       *conditionWorld
	channel realtime.Channel
	state   bool
	hub     *hub.Hub
	page    *page
	screen  map[string]string
	whole   bool
	since   realtime.Position
}

func (r *conditionReader) connect(h *hub.Hub) {
	r.disconnect()
	p := &page{t: r.w.t, box: outbox.New(wire.Encoder{}, nil)}
	all := []realtime.Pattern{"**"}
	c, err := h.Connect(r.w.tenant, &realtime.Principal{Tenant: "acme", User: "r", Expires: time.Now().Add(24 * time.Hour), Grants: realtime.Grants{Subscribe: all}}, p.box, p)
	if err != nil {
		return
	}
	p.conn, r.hub, r.page = c, h, p
	if err := h.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: r.channel, Since: r.since, State: r.state}); err != nil {
		r.w.t.Error(err)
	}
}

func (r *conditionReader) disconnect() {
	if r.page != nil {
		r.judge()
		r.hub.Disconnect(r.page.conn)
		r.page = nil
	}
}

// judge reads what has come.
func (r *conditionReader) judge() {
	if r.page == nil {
		return
	}
	c := &r.w.counts
	for _, f := range r.page.take() {
		at, err := realtime.ParsePosition(f.Position)
		if err != nil {
			r.w.t.Error(err)
		}
		switch {
		case f.Type == "ok" && f.Resumed:
			c.resumed++
		case f.Type == "ok" && f.Gap, f.Type == "notice" && f.Code == "gap":
			c.gaps++
		case f.Type == "ok" && !f.Resumed:
			r.screen, r.whole = map[string]string{}, false
		case f.Type == "snapshot":
			if f.Reset {
				c.resets++
				r.screen, r.whole = map[string]string{}, false
			}
			for _, e := range f.Entries {
				p, _ := realtime.ParsePosition(e.Position)
				r.shown(p.ID)
				r.screen[e.Key] = p.ID
			}
			r.whole = r.whole || !f.More
		case f.Type == "message":
			r.message(&f, at.ID)
		}
		if !at.IsZero() && (!r.state || r.whole) {
			r.since = at
		}
	}
	if r.page.ended() != nil {
		r.hub.Disconnect(r.page.conn)
		r.page = nil
	}
}

func (r *conditionReader) message(f *wire.ServerFrame, id string) {
	if r.screen == nil {
		r.screen = map[string]string{}
	}
	switch {
	case f.Cleared:
		r.screen = map[string]string{}
	case f.Expired:
		delete(r.screen, f.Key)
	case f.Deleted:
		delete(r.screen, f.Key)
		r.shown(id)
	default:
		r.screen[f.Key] = id
		r.shown(id)
	}
}

// shown fails the test if a reader is shown a loser.
func (r *conditionReader) shown(id string) {
	r.w.counts.read++
	if won, is := r.w.truth.outcome(id); is && !won {
		r.w.t.Errorf("%s: a reader (state %v) was shown %s, which has lost\n%s", r.channel.Name(), r.state, id, r.w.truth.story(id))
	}
}

// decidedTruth folds the log from its beginning, as it is stored.
type decidedTruth struct {
	*truth
	outcomes map[string]bool
	told     []realtime.Message
}

// story is what was published of the key of an event.
func (d *decidedTruth) story(id string) (text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.IndexFunc(d.told, func(m realtime.Message) bool { return m.ID == id })
	if at < 0 {
		return ""
	}
	for i, m := range d.told {
		if about := d.told[at]; m.Channel == about.Channel && (m.Key == about.Key || m.Key == "") && i > at-300 && i < at+60 {
			text += fmt.Sprintf("%s %d %q %s if %v ttl %v series %s/%d: %v\n", m.Key, m.Time.UnixMilli(), m.Op, m.ID, m.If, m.TTL, m.Series, m.Number, d.outcomes[m.ID])
		}
	}
	return text
}

func newDecidedTruth(t *testing.T, inner realtime.Broker, tenant *realtime.Tenant) *decidedTruth {
	return &decidedTruth{newTruth(t, inner, realtime.OwnTopic(tenant), func(c realtime.Channel) *realtime.State { return tenant.Rules(c.Namespace()).State }), map[string]bool{}, nil}
}

func (d *decidedTruth) outcome(id string) (won, is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	won, is = d.outcomes[id]
	return won, is
}

func (d *decidedTruth) state(c realtime.Channel) map[string]string {
	all := map[string]string{}
	for key, m := range d.truth.state(c) {
		all[key] = m.ID
	}
	return all
}

func (d *decidedTruth) read() {
	values := map[string]realtime.Message{} // of channel and key
	seen := map[string]bool{}
	for {
		batch, err := d.stream.Receive(context.Background())
		if err != nil {
			return
		}
		for i := range batch {
			m := &batch[i]
			d.mu.Lock()
			d.told = append(d.told, *m)
			d.mu.Unlock()
			if m.Kind != realtime.KindPublication || seen[m.Channel.Name()+" "+m.ID] {
				continue
			}
			seen[m.Channel.Name()+" "+m.ID] = true
			d.decide(m, values)
		}
	}
}

func (d *decidedTruth) decide(m *realtime.Message, values map[string]realtime.Message) {
	name := m.Channel.Name() + " " + m.Key
	have, has := values[name]
	if has && have.TTL > 0 && !have.Expires().After(m.Time) {
		has = false
	}
	if c := m.If; c != nil {
		won := false
		switch c.Is {
		case realtime.ConditionAbsent:
			won = !has
		case realtime.ConditionPresent:
			won = has
		case realtime.ConditionPosition:
			won = has && c.Position.ID == have.ID
		}
		d.mu.Lock()
		d.outcomes[m.ID] = won
		d.mu.Unlock()
		if !won {
			return
		}
	}
	d.add(m)
	switch m.Op {
	case realtime.OpClear:
		maps.DeleteFunc(values, func(n string, _ realtime.Message) bool { return n[:len(m.Channel.Name())+1] == m.Channel.Name()+" " })
	case realtime.OpDelete:
		delete(values, name)
	case realtime.OpSet:
		kept := *m
		if rules := d.rules(m.Channel).WithDefaults(); rules.TTL > 0 && (kept.TTL == 0 || kept.TTL > time.Duration(rules.TTL)) {
			kept.TTL = time.Duration(rules.TTL)
		}
		values[name] = kept
	}
}

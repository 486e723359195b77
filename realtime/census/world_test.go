package census

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// world is some instances, and a broker that delays, repeats, fails and breaks, and keeps the order of a publisher's messages
// with a channel only.
type world struct {
	t        testing.TB
	r        *rand.Rand
	now      time.Time
	nodes    []*node
	kept     []stored // what the topic keeps, for replays
	sent     int
	born     int
	calm     bool // the broker behaves
	subjects []realtime.Channel
}

type stored struct {
	m  realtime.Message
	at time.Time
}

// node is an instance.
type node struct {
	w      *world
	name   string
	c      *Census
	own    map[realtime.Channel]map[string]json.RawMessage
	open   map[realtime.Channel]bool
	wants  map[realtime.Channel]bool
	heard  map[realtime.Channel]map[string]map[string]json.RawMessage // by instance and key
	inbox  []parcel
	began  time.Time // by the broker's clock; zero until the beacon is back
	beacon time.Time
	queued []func() // failures to be told
}

type parcel struct {
	m   realtime.Message
	due time.Time
}

func (n *node) Send(m *realtime.Message, failed func()) {
	w := n.w
	w.sent++
	if !w.calm && w.r.IntN(20) == 0 {
		n.queued = append(n.queued, failed)
		if w.r.IntN(2) == 0 {
			return // else it is stored all the same
		}
	}
	m.Time = w.now
	w.kept = append(w.kept, stored{*m, w.now})
	for _, to := range w.nodes {
		to.post(*m)
	}
}

// post puts a message into a node's inbox, behind those of the same publisher and channel.
func (n *node) post(m realtime.Message) {
	w := n.w
	due := w.now
	if !w.calm {
		due = due.Add(time.Duration(w.r.IntN(3000)) * time.Millisecond)
	}
	if !m.Channel.IsZero() {
		for _, p := range n.inbox {
			if p.m.Channel == m.Channel && p.m.Origin == m.Origin && p.due.After(due) {
				due = p.due
			}
		}
	}
	n.inbox = append(n.inbox, parcel{m, due})
	if !w.calm && w.r.IntN(10) == 0 { // it comes twice
		n.inbox = append(n.inbox, parcel{m, due.Add(time.Duration(w.r.IntN(5000)) * time.Millisecond)})
	}
}

func (n *node) Open(ch realtime.Channel) {
	if n.open[ch] {
		n.w.t.Fatalf("%s: %s is opened twice", n.name, ch)
	}
	n.open[ch] = true
}

func (n *node) Close(ch realtime.Channel) {
	if !n.open[ch] {
		n.w.t.Fatalf("%s: %s is closed twice", n.name, ch)
	}
	delete(n.open, ch)
}

func (n *node) Own(ch realtime.Channel) iter.Seq2[string, json.RawMessage] {
	return maps.All(n.own[ch])
}

func (n *node) Query(*Query, func(*Answer)) {}

func (n *node) Heard(ch realtime.Channel, instance, key string, said any) {
	value, _ := said.(json.RawMessage)
	if !n.wants[ch] {
		n.w.t.Fatalf("%s hears of %s, which it does not want", n.name, ch)
	}
	of := n.heard[ch]
	if of == nil {
		of = map[string]map[string]json.RawMessage{}
		n.heard[ch] = of
	}
	if of[instance] == nil {
		of[instance] = map[string]json.RawMessage{}
	}
	if value == nil {
		if _, has := of[instance][key]; !has {
			n.w.t.Fatalf("%s: %s of %s goes, which was not there", n.name, key, instance)
		}
		delete(of[instance], key)
		return
	}
	of[instance][key] = value
}

func (w *world) add() *node {
	w.born++
	n := &node{
		w: w, name: fmt.Sprintf("i%d", w.born), own: map[realtime.Channel]map[string]json.RawMessage{}, open: map[realtime.Channel]bool{},
		wants: map[realtime.Channel]bool{}, heard: map[realtime.Channel]map[string]map[string]json.RawMessage{}, beacon: w.now,
	}
	n.c = New(n, n.name, 1, realtime.NoMetrics{})
	w.nodes = append(w.nodes, n)
	for _, s := range w.kept { // the replay
		if w.now.Sub(s.at) < 5*time.Minute {
			n.inbox = append(n.inbox, parcel{s.m, w.now})
		}
	}
	return n
}

// step lets a moment pass.
func (w *world) step(d time.Duration) {
	w.now = w.now.Add(d)
	for _, n := range w.nodes {
		inbox := n.inbox
		n.inbox = nil
		for _, p := range inbox {
			if p.due.After(w.now) {
				n.inbox = append(n.inbox, p)
				continue
			}
			n.hear(&p.m)
		}
		for _, failed := range n.queued {
			failed()
		}
		n.queued = nil
		if n.began.IsZero() && w.now.Sub(n.beacon) > time.Second {
			n.began = n.beacon
			n.c.Began(n.began, w.now)
		}
	}
}

func (n *node) hear(m *realtime.Message) {
	said, err := Decode(m, func(_ realtime.Channel, value json.RawMessage) any { return value })
	if err != nil {
		n.w.t.Fatal(err)
	}
	n.c.Hear(m, said, n.began.Sub(m.Time), !n.began.IsZero(), n.w.now)
}

// act does something at random.
func (w *world) act() {
	if len(w.nodes) == 0 || len(w.nodes) < 6 && w.r.IntN(100) == 0 {
		w.add()
		return
	}
	n, ch := w.nodes[w.r.IntN(len(w.nodes))], w.subjects[w.r.IntN(len(w.subjects))]
	switch w.r.IntN(20) {
	case 0, 1:
		if !n.wants[ch] {
			n.wants[ch] = true
			n.c.Want(ch, w.now)
		}
	case 2:
		if n.wants[ch] {
			n.c.Release(ch, w.now)
			delete(n.wants, ch)
			n.forgot(ch)
		}
	case 3:
		if w.r.IntN(20) == 0 && len(w.nodes) > 1 { // it dies
			w.drop(n)
		}
	case 4:
		if w.r.IntN(20) == 0 && len(w.nodes) > 1 { // it goes
			n.c.Bye(w.now)
			w.drop(n)
		}
	case 5:
		if w.r.IntN(10) == 0 { // its stream breaks
			n.inbox = nil
			n.c.Restart(w.now)
		}
	default:
		key := fmt.Sprintf("k%d", w.r.IntN(12))
		if w.r.IntN(50) == 0 {
			key += fmt.Sprintf("%01000d", w.r.IntN(1000))
		}
		if n.own[ch] == nil {
			n.own[ch] = map[string]json.RawMessage{}
		}
		var value json.RawMessage
		if w.r.IntN(3) == 0 {
			delete(n.own[ch], key)
		} else {
			value = json.RawMessage(fmt.Sprint(w.r.IntN(1000)))
			n.own[ch][key] = value
		}
		if n.open[ch] {
			n.c.Put(ch, key, value, w.now)
		}
	}
}

func (w *world) drop(n *node) {
	for i, have := range w.nodes {
		if have == n {
			w.nodes = append(w.nodes[:i], w.nodes[i+1:]...)
			return
		}
	}
}

// forgot looks whether all of a subject was taken back.
func (n *node) forgot(ch realtime.Channel) {
	for instance, keys := range n.heard[ch] {
		if len(keys) > 0 {
			n.w.t.Fatalf("%s: %v of %s are kept of %s, which is not wanted any more", n.name, keys, instance, ch)
		}
	}
}

// check compares what each has heard with what there is.
func (w *world) check() {
	for _, n := range w.nodes {
		for ch := range n.wants {
			for _, of := range w.nodes {
				if of == n {
					continue
				}
				if !maps.EqualFunc(n.heard[ch][of.name], of.own[ch], func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
					w.t.Fatalf("%s of %s: %s has heard %v, and there is %v", ch, of.name, n.name, n.heard[ch][of.name], of.own[ch])
				}
			}
			for name, keys := range n.heard[ch] {
				if len(keys) > 0 && !w.lives(name) {
					w.t.Fatalf("%s: %s still has %v of %s, which has gone", ch, n.name, keys, name)
				}
			}
		}
	}
}

func (w *world) lives(name string) bool {
	for _, n := range w.nodes {
		if n.name == name {
			return true
		}
	}
	return false
}

// quiet lets the broker behave and time pass.
func (w *world) quiet(d time.Duration) {
	w.calm = true
	for range int(d / Every) {
		w.step(Every)
		for _, n := range w.nodes {
			n.c.Tick(w.now)
		}
	}
	w.calm = false
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 1)), now: time.UnixMilli(1_800_000_000_000)}
	for _, name := range []string{"board:7", "board:8", "$demand:prices"} {
		if ch, err := realtime.NewChannel("acme", name); err == nil {
			w.subjects = append(w.subjects, ch)
		}
	}
	return w
}

func (w *world) run(steps int) {
	tick := w.now
	for range steps {
		w.act()
		w.step(time.Duration(w.r.IntN(200)) * time.Millisecond)
		if w.now.Sub(tick) >= Every {
			tick = w.now
			for _, n := range w.nodes {
				n.c.Tick(w.now)
			}
		}
	}
}

// TestAllKnowWhatThereIs: whatever the broker and the instances do, a little after they have calmed down each knows what all others
// have of what it wants to know, and of the dead nothing.
func TestAllKnowWhatThereIs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		w := newWorld(t, seed)
		for range 5 {
			w.run(600)
			w.quiet(Lease + 12*time.Second)
			w.check()
		}
	}
}

// TestNothingIsSentWhereNobodyAsks: changes, and instances that come and go, are worth no message.
func TestNothingIsSentWhereNobodyAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.run(3000)
	for _, n := range w.nodes {
		for ch := range n.wants {
			n.c.Release(ch, w.now)
			delete(n.wants, ch)
			delete(n.heard, ch)
		}
	}
	w.quiet(AskFor + time.Minute) // asks of the dead end by themselves
	before := w.sent
	for range 500 {
		n := w.nodes[w.r.IntN(len(w.nodes))]
		if n.open[w.subjects[0]] || n.c.Len() != 0 {
			t.Fatalf("%s still follows %v", n.name, n.open)
		}
		w.step(Every)
		n.c.Tick(w.now)
	}
	if w.sent != before {
		t.Errorf("%d messages were sent", w.sent-before)
	}
}

func FuzzCensus(f *testing.F) {
	f.Add(uint64(1), uint16(500))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16) {
		w := newWorld(t, seed)
		w.run(int(steps))
		w.quiet(Lease + 12*time.Second)
		w.check()
	})
}

// TestAsksAreBounded: however many subjects others ask for, no more than MaxSubjects are known, and what is wanted here still is.
func TestAsksAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	n := w.add()
	for at, number := 0, uint64(1); at < MaxSubjects+1000; number++ {
		b := &body{Epoch: 1, N: number}
		for range mostAsks {
			b.Asks = append(b.Asks, ask{Tenant: "acme", Channel: fmt.Sprint("c:", at)})
			at++
		}
		n.c.asks("i9", b, 0, w.now)
	}
	if got := n.c.Len(); got != MaxSubjects {
		t.Errorf("%d subjects are known, want %d", got, MaxSubjects)
	}
	n.wants[w.subjects[0]] = true
	n.c.Want(w.subjects[0], w.now)
	if got := n.c.Len(); got != MaxSubjects+1 {
		t.Errorf("%d subjects are known with one that is wanted here", got)
	}
	n.c.Tick(w.now.Add(AskFor + time.Second))
	if got := n.c.Len(); got != 1 {
		t.Errorf("%d subjects are known when nobody asks any more", got)
	}
}

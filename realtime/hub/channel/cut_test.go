package channel

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// half is a filter that passes some of what is published: by its key, or by its number, which no equality decides.
type half struct {
	key    string
	number string
}

func (f half) ID() string { return f.key + "/" + f.number }

func (f half) Match(p *realtime.Publication, _ *view.Memo) bool {
	if f.key != "" {
		return p.Key == f.key
	}
	return strings.HasSuffix(p.ID, f.number)
}

func (f half) Equalities() []view.Equality {
	if f.key == "" {
		return nil
	}
	return []view.Equality{{Name: "key", Values: []string{f.key}}}
}

// compiled is a Compiler that knows one filter.
type compiled struct{ half }

func (c compiled) Compile(string, view.Viewer) (view.Filter, error) { return c.half, nil }

// cutWorld is a topic and what follows it, with clients that take what they are given at once. What comes for a channel is given to so many
// readers at a time.
type cutWorld struct {
	*topic
	part          int
	current, next *follower
	clients       []*listener
	views         []*view.View
	ended         map[string]int // how much a reader had been told when it ended
}

func newCutWorld(t *testing.T, part int) *cutWorld {
	w := &cutWorld{topic: newTopic(t), part: part, ended: map[string]int{}}
	w.spoken = protocol.New(busy{meanwhile: func() {}}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
	w.fx.Wheel = NewWheel()
	w.current = w.follow()
	w.current.Phase = PhaseCaughtUp
	w.views = []*view.View{nil}
	for _, f := range []half{{key: "a"}, {key: "b"}, {number: "1"}} {
		v, err := view.NewBuilder(compiled{f}).Build(&view.Rules{Filter: f.ID()})
		if err != nil {
			t.Fatal(err)
		}
		w.views = append(w.views, v)
	}
	return w
}

func (w *cutWorld) follow() *follower {
	f := w.topic.follow()
	f.o.Part = w.part
	return f
}

// reader is one of those that are on a channel, the same in each world that has lived alike.
func (w *cutWorld) reader(n int) (l *listener, r *Reader) {
	if len(w.clients) == 0 {
		return nil, nil
	}
	l = w.clients[n%len(w.clients)]
	names := slices.SortedFunc(maps.Keys(l.readers), func(a, b realtime.Channel) int { return strings.Compare(a.Name(), b.Name()) })
	if len(names) == 0 {
		return nil, nil
	}
	return l, l.readers[names[n/7%len(names)]]
}

// subscribe asks for a channel, from now on or from some moment on.
func (w *cutWorld) subscribe(names []realtime.Channel, n int) {
	if len(w.clients) < 40 && n%3 == 0 || len(w.clients) == 0 {
		w.clients = append(w.clients, w.connect())
	}
	l, c := w.clients[n%len(w.clients)], names[n/5%len(names)]
	if l.readers[c] != nil || slices.Contains(slices.Collect(maps.Keys(l.told)), c) {
		return // what it is told would not be told apart
	}
	since := realtime.Position{}
	if n/11%2 == 0 && len(w.log) > 0 {
		m := w.log[n/13%len(w.log)]
		if since = m.Position(); m.Kind != realtime.KindPublication || m.Channel != c {
			since.ID = ""
		}
	}
	r := NewReader(&l.Client, c, w.views[n/17%len(w.views)], Pace{Paused: n/19%11 == 0})
	l.readers[c] = r
	q := &Question{Request: Request{Channel: c, Since: since}, Reader: r, Asked: time.Now()}
	r.Asks(q)
	w.current.Open(c).Ask(q)
	w.carryOut()
}

// unsubscribe ends a reader.
func (w *cutWorld) unsubscribe(n int) {
	l, r := w.reader(n)
	if r == nil {
		return
	}
	if q := r.Question(); q != nil {
		q.Withdraw()
	}
	r.End()
	l.take(1 << 20)
	l.Box.Forget(r.name, r.number)
	delete(l.readers, r.name)
	w.ended[fmt.Sprint(slices.Index(w.clients, l), r.name.Name())] = len(l.told[r.name])
	if l.told[r.name] == nil {
		l.told[r.name] = []string{}
	}
}

// act does something, the same in each world.
func (w *cutWorld) act(names []realtime.Channel, kind, n int) {
	switch {
	case kind < 35:
		w.publish(names[n%len(names)])
		m := &w.log[len(w.log)-1]
		m.Key = []string{"", "a", "b"}[n/3%3]
	case kind < 65:
		w.current.hear(1 + n%3)
	case kind < 75:
		w.subscribe(names, n)
	case kind < 77:
		w.unsubscribe(n)
	case kind < 83:
		if _, r := w.reader(n); r != nil && r.On() {
			r.See(w.views[n/17%len(w.views)])
		}
	case kind < 88:
		if _, r := w.reader(n); r != nil && r.On() {
			r.Tune(Pace{Paused: n/17%2 == 0}, time.Now())
		}
	case kind < 90:
		doc := *w.tenant
		doc.Namespaces = map[string]realtime.Namespace{"a": {Window: 1 + n%40}}
		w.tenant = &doc
		w.current.Obey(&doc)
	case kind < 91:
		w.current.Break()
		w.current.work()
	case kind < 92:
		m := w.current.Open(names[n%len(names)])
		if m.State() == Live {
			m.lose(m.rec.Newest())
		}
	case kind < 93:
		failed := w.next
		w.next = w.follow()
		w.next.Phase = PhaseCaughtUp
		w.next.Replaces(w.current.Set)
		for failed != nil && w.current.GiveBack(failed.Set) {
			w.carryOut()
		}
		w.current.work()
	case w.next != nil:
		w.next.work()
		w.next.hear(1 + n%40)
		if w.next.heard == len(w.log) && len(w.current.Busy()) == 0 {
			w.next.Alone()
			w.current, w.next = w.next, nil
		}
	}
	w.carryOut()
}

// handOn gives what is on its way to some more readers.
func (w *cutWorld) handOn() (more bool) {
	failed := func(c realtime.Channel, fault any) { w.t.Errorf("%s: %v", c.Name(), fault) }
	more = HandOn(w.current.Set, w.now, failed)
	if w.next != nil {
		more = HandOn(w.next.Set, w.now, failed) || more
	}
	w.carryOut()
	return more
}

// handed checks what a heartbeat would vouch for: a reader has been told of all up to then.
func (w *cutWorld) handed(whole *cutWorld) {
	w.t.Helper()
	for i, l := range w.clients {
		l.take(1 << 20)
		whole.clients[i].take(1 << 20)
		for c, r := range l.readers {
			if r.m == nil || r.state == Asking {
				continue
			}
			up := Handed(r, w.now.UnixMilli())
			told, all := l.told[c], whole.clients[i].told[c]
			if len(told) > len(all) || !slices.Equal(told, all[:len(told)]) {
				w.t.Fatalf("client %d was told %v of %s, and is told %v undivided", i, told, c.Name(), all)
			}
			for _, what := range all[len(told):] {
				if m := w.find(what); m != nil && m.Time.UnixMilli() <= up {
					w.t.Fatalf("client %d has not been told %s of %s, of %d, and all up to %d is vouched for", i, what, c.Name(), m.Time.UnixMilli(), up)
				}
			}
		}
	}
}

// find returns what was published by its ID.
func (w *cutWorld) find(id string) *realtime.Message {
	for i := range w.log {
		if w.log[i].Kind == realtime.KindPublication && w.log[i].ID == id {
			return &w.log[i]
		}
	}
	return nil
}

// What comes is given to readers a part of them at a time, and between any two parts everything happens that can: each is told what it would be if it were
// given to all at once, in that order, and one that ends is told nothing more.
func TestCutFanOutsAreWhatTheyAreUndivided(t *testing.T) {
	t.Parallel()
	sum, between := 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 71))
		cut, whole := newCutWorld(t, 1+r.IntN(3)), newCutWorld(t, 1<<30)
		var names []realtime.Channel
		for _, name := range []string{"a", "b"} {
			names = append(names, cut.channel(name))
		}
		for range 800 {
			kind, n := r.IntN(100), r.IntN(1<<30)
			if cut.current.waiting > 0 || cut.next != nil && cut.next.waiting > 0 {
				between++
			}
			cut.act(names, kind, n)
			whole.act(names, kind, n)
			if len(cut.log) != len(whole.log) {
				t.Fatalf("seed %d: act %d, %d: the worlds differ", seed, kind, n)
			}
			for range r.IntN(4) {
				cut.handOn()
			}
			cut.handed(whole)
			cut.current.check()
		}
		for cut.handOn() {
			continue
		}
		if cut.current.waiting != 0 || cut.current.waitingBytes != 0 {
			t.Fatalf("seed %d: %d are counted as on their way when nothing is", seed, cut.current.waiting)
		}
		for i, l := range cut.clients {
			l.take(1 << 20)
			whole.clients[i].take(1 << 20)
			for c, told := range l.told {
				all := whole.clients[i].told[c]
				if n, ended := cut.ended[fmt.Sprint(i, c.Name())]; ended {
					if len(told) != n || len(all) < n {
						t.Fatalf("seed %d: client %d was told %v of %s, %d of it before it ended", seed, i, told, c.Name(), n)
					}
					all = all[:n]
				}
				if !slices.Equal(told, all) {
					t.Fatalf("seed %d: client %d was told %v of %s, and %v undivided", seed, i, told, c.Name(), all)
				}
				sum += len(told)
			}
		}
	}
	if t.Logf("%d things were told, %d acts came between", sum, between); sum < 10_000 || between < 5000 {
		t.Error("too little to prove anything")
	}
}

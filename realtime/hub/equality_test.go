package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestEqualitiesChangeNothing has the same readers at two hubs of one broker, one of which knows of no filter what it is that it passes, and so asks each
// about everything. Both give each reader the same frames, however they read and whatever changes: filters, tokens, the tenant's rules, what is published.
func TestEqualitiesChangeNothing(t *testing.T) {
	t.Parallel()
	seed, told, left := trial.Seed(t), 0, 0
	for i := range 10 * trial.Scale(t) {
		synctest.Test(t, func(t *testing.T) {
			w := newTwins(t, uint64(seed+i)) //nolint:gosec // a seed
			w.live(300)
			w.end()
			told, left = told+w.told, left+w.left
		})
	}
	t.Logf("%d frames were told twice, %d of them of keys that had left", told, left)
	if told < 1000 || left < 20 {
		t.Error("the worlds are too quiet to prove anything")
	}
}

// oneClient is a filter that passes what is tagged with a client.
type oneClient string

func (f oneClient) ID() string { return string(f) }
func (f oneClient) Match(p *realtime.Publication, _ *view.Memo) bool {
	return p.Tags["client"] == string(f)
}

func (f oneClient) Equalities() []view.Equality {
	return []view.Equality{{Name: "tags.client", Values: []string{string(f)}}}
}

type byClient struct{}

func (byClient) Compile(source string, _ view.Viewer) (view.Filter, error) {
	return oneClient(source), nil
}

// asked compiles filters that are asked about everything.
type asked struct{ view.Compiler }

func (a asked) Compile(source string, v view.Viewer) (view.Filter, error) {
	f, err := a.Compiler.Compile(source, v)
	if err != nil {
		return nil, err
	}
	return struct{ view.Filter }{f}, nil
}

// twins is a world of readers at two hubs.
type twins struct {
	t       *testing.T
	rand    *rand.Rand
	broker  *memory.Broker
	hubs    [2]*hub.Hub
	pub     *publish.Publisher
	tenant  *realtime.Tenant
	channel realtime.Channel
	all     []*twin
	begun   int64
	n       int
	acts    []string

	told, left int
}

// twin is one reader at both hubs.
type twin struct {
	pages [2]*page
	user  string
	state bool
}

func newTwins(t *testing.T, seed uint64) *twins {
	t.Helper()
	c, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	w := &twins{t: t, rand: rand.New(rand.NewPCG(seed, 7)), broker: memory.NewBroker(memory.BrokerOptions{SingleChannels: single(seed)}), begun: time.Now().UnixMilli()}
	durable := false
	w.tenant = &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{
		"fleet": {State: &realtime.State{Durable: &durable}, Filterable: []string{"data.n"}},
	}}
	w.pub = publish.New(w.broker, publish.Options{})
	for i, filters := range []view.Compiler{c, asked{c}} {
		w.hubs[i] = hub.New(w.broker, hub.Options{Instance: fmt.Sprint("i", i), Payload: wire.Compact, Filters: filters})
	}
	if w.channel, err = realtime.NewChannel("acme", "fleet:eu"); err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		w.all = append(w.all, &twin{user: string(rune('a' + i%4)), state: i%4 > 0})
	}
	return w
}

// filter is one that some reader may want: most have an equality somewhere.
func (w *twins) filter() string {
	some := func(of ...string) string { return of[w.rand.IntN(len(of))] }
	equality := func() string {
		return some("tags.desk == 'a'", "tags.desk == 'b'", "'a' == tags.desk", "tags.desk in ['b', 'c']", "tags.n == '1'", "tags.n == '01'", "key == 'k1'",
			"key in ['k2', 'k3', '']", "event == 'e'", "tags.owner == user", "tags.region == 'eu'", "tags.desk == ''")
	}
	other := func() string {
		return some("num(tags.n) == 1", "num(tags.n) > 0", "data.n == 1", "has(tags.desk)", "!(tags.desk == 'a')", "tags.desk != 'a'", "key.startsWith('k')", "!has(tags.n)")
	}
	switch w.rand.IntN(9) {
	case 0:
		return ""
	case 1, 2, 3:
		return equality()
	case 4:
		return other()
	case 5:
		return equality() + " && " + other()
	case 6:
		return equality() + " && " + equality()
	case 7:
		return equality() + " || " + some(equality(), other())
	}
	return equality() + " && (" + equality() + " || " + other() + ")"
}

// live takes a number of random steps.
func (w *twins) live(steps int) {
	for range steps {
		r := w.all[w.rand.IntN(len(w.all))]
		switch n := w.rand.IntN(100); {
		case n < 60:
			w.publish(1 + w.rand.IntN(4))
		case n < 70, r.pages[0] == nil:
			w.connect(r)
		case n < 80:
			w.tune(r)
		case n < 85:
			p := w.principal(r.user)
			w.act("%s renews %+v", r.user, p.Views)
			r.both(func(at *page) { _, _ = at.conn.Renew(p) })
		case n < 88:
			w.obey()
		case n < 93:
			w.stumble(r)
		}
		time.Sleep([]time.Duration{0, time.Millisecond, 70 * time.Millisecond, 3 * time.Second}[w.rand.IntN(4)])
		synctest.Wait()
		if w.compare(); w.t.Failed() {
			return
		}
	}
}

func (w *twins) act(format string, args ...any) {
	w.acts = append(w.acts, fmt.Sprintf(format, args...))
}

func (r *twin) both(do func(*page)) {
	for _, p := range r.pages {
		do(p)
	}
}

// publish publishes some events, one by one: how many of them a reader is given that does not keep up is otherwise a matter of chance.
func (w *twins) publish(n int) {
	for range n {
		w.n++
		p := realtime.Publication{Channel: w.channel, ID: fmt.Sprint(w.n), Key: fmt.Sprint("k", w.rand.IntN(8)), Tags: map[string]string{}, Data: []byte(`{"n":` + fmt.Sprint(w.rand.IntN(3)) + `}`)}
		for _, values := range [][]string{{"desk", "a", "b", "c", ""}, {"n", "1", "01", "1.0", "x", "2"}, {"owner", "a", "b", "c", "d"}, {"region", "eu", "us"}, {"x", "y"}} {
			if w.rand.IntN(3) > 0 {
				p.Tags[values[0]] = values[1+w.rand.IntN(len(values)-1)]
			}
		}
		if w.rand.IntN(3) == 0 {
			p.EventType = []string{"e", "f"}[w.rand.IntN(2)]
		}
		switch w.rand.IntN(24) {
		case 0:
			p.Op, p.Key, p.Tags, p.Data, p.EventType = realtime.OpClear, "", nil, nil, ""
		case 1, 2, 3:
			p.Op, p.Data = realtime.OpDelete, nil
		case 4:
			p.Op, p.Data, p.Tags = realtime.OpDelete, nil, nil
		case 5, 6:
			p.Key = ""
		case 7, 8:
			p.TTL = time.Duration(1+w.rand.IntN(5)) * time.Second
		case 9, 10, 11:
			is := []realtime.ConditionKind{realtime.ConditionAbsent, realtime.ConditionPresent}[w.rand.IntN(2)]
			p.If = &realtime.Condition{Is: is, AsOf: w.begun + 1}
		}
		w.act("publishes %s %q %v %s ttl %v if %v", p.ID, p.Key, p.Tags, p.Op, p.TTL, p.If)
		if err := w.pub.Publish(context.Background(), w.tenant, []realtime.Publication{p}); err != nil {
			w.t.Fatal(err)
		}
		synctest.Wait()
	}
}

func (w *twins) want() (want hub.Want) {
	want.Filter, want.MaxRate = w.filter(), []float64{0, 0, 2, 20}[w.rand.IntN(4)]
	want.Paused = w.rand.IntN(8) == 0
	want.Keys = [][]string{nil, nil, nil, {"k1", "k2"}, {"k*"}}[w.rand.IntN(5)]
	want.Fields = [][]string{nil, nil, {"n"}, {"m"}}[w.rand.IntN(4)]
	return want
}

func (w *twins) principal(user string) *realtime.Principal {
	p := &realtime.Principal{Tenant: "acme", User: user, Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}
	switch w.rand.IntN(5) {
	case 0:
		p.Views.Filters = map[realtime.Pattern][]string{"**": {"tags.owner == '{user}'"}}
	case 1:
		p.Views.Filters = map[realtime.Pattern][]string{"**": {"tags.owner == '{user}'", "tags.desk == 'a'"}} // of several roles
	}
	return p
}

func (w *twins) connect(r *twin) {
	p, want := w.principal(r.user), w.want()
	if !r.state && want.MaxRate == 0 && w.rand.IntN(2) == 0 {
		want.MaxRate = 5
	}
	w.act("%s connects %+v, state %v, %+v", r.user, p.Views, r.state, want)
	room := 2 + w.rand.IntN(3000)
	for i, h := range w.hubs {
		if old := r.pages[i]; old != nil {
			h.Disconnect(old.conn)
		}
		one := &page{t: w.t, box: outbox.New(wire.Encoder{}, nil)}
		one.box.LimitReplays(room)
		c, err := h.Connect(w.tenant, p, one.box, one)
		if err != nil {
			w.t.Fatal(err)
		}
		one.conn, r.pages[i] = c, one
		if err := h.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: w.channel, State: r.state, Want: want}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *twins) tune(r *twin) {
	want := w.want()
	w.act("%s tunes to %+v", r.user, want)
	r.both(func(p *page) {
		_, _ = p.conn.Tune(w.channel, "", func(hub.Want) (hub.Want, error) { return want, nil })
	})
}

// obey puts other rules in force.
func (w *twins) obey() {
	doc, fleet := *w.tenant, w.tenant.Namespaces["fleet"]
	doc.Version++
	fleet.Enforce = []string{"", "tags.desk == 'a'", "tags.region == 'eu' && tags.desk != 'c'", "tags.owner == '{user}' || key == 'k1'"}[w.rand.IntN(4)]
	fleet.Rate = []*realtime.Rate{nil, {Max: 3}}[w.rand.IntN(2)]
	doc.Namespaces = map[string]realtime.Namespace{"fleet": fleet}
	w.tenant = &doc
	w.act("the rules are %+v", fleet)
	for _, h := range w.hubs {
		h.Update(&doc)
	}
}

// stumble stops a reader from reading, or lets it go on.
func (w *twins) stumble(r *twin) {
	w.act("%s stumbles", r.user)
	r.both(func(p *page) {
		p.mu.Lock()
		p.stuck = !p.stuck
		p.mu.Unlock()
		p.Flush()
	})
}

// compare looks whether both hubs have told each reader the same.
func (w *twins) compare() {
	w.t.Helper()
	for i, r := range w.all {
		if r.pages[0] == nil {
			continue
		}
		var told [2][]string
		for j, p := range r.pages {
			for _, f := range p.take() {
				if f.Type == wire.TypeHeartbeat {
					continue
				}
				f.View = "" // a digest, made with a secret of the hub
				if f.Left.Sight {
					w.left++
				}
				told[j] = append(told[j], frameText(w.t, &f))
			}
		}
		w.told += len(told[0])
		if !reflect.DeepEqual(told[0], told[1]) {
			w.t.Errorf("reader %d is told\n%s\nby an index, and without it\n%s\nafter\n%s", i, strings.Join(told[0], "\n"), strings.Join(told[1], "\n"),
				strings.Join(w.acts[max(0, len(w.acts)-60):], "\n"))
		}
	}
}

func frameText(t *testing.T, f *wire.ServerFrame) string {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (w *twins) end() {
	for _, r := range w.all {
		if r.pages[0] != nil {
			r.both(func(p *page) { p.stuck = false; p.Flush() })
		}
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	w.compare()
	for _, h := range slices.Backward(w.hubs[:]) {
		if err := h.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
	if err := w.broker.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

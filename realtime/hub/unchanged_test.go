package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestUnchangedIsNotTold is the claim of fields and columns, for readers of a state and for those at a rate: they are told of a key only if something that they
// see of it has changed since they were told of it last, and what they have been told is true. The log says both, whatever they ask for meanwhile, however
// slowly they read, and wherever they resume.
func TestUnchangedIsNotTold(t *testing.T) {
	t.Parallel()
	seed := trial.Seed(t)
	var sum thriftyCounts
	for i := range 12 * trial.Scale(t) {
		synctest.Test(t, func(t *testing.T) {
			w := newThrifty(t, uint64(seed+i)) //nolint:gosec // a seed
			w.live(400)
			w.end()
			sum.told, sum.judged, sum.resumed, sum.saved = sum.told+w.told, sum.judged+w.judged, sum.resumed+w.resumed, sum.saved+w.saved
		})
	}
	t.Logf("%d values were told, %d publications were not because nothing had changed, %d rows judged, %d resumed", sum.told, sum.saved, sum.judged, sum.resumed)
	if sum.told < 1000 || sum.judged < 200 || sum.resumed < 5 || sum.saved < 100 {
		t.Error("the worlds are too quiet to prove anything")
	}
}

type thriftyCounts struct{ told, judged, resumed, saved int }

// thrifty is a world of readers who want some members of what is published.
type thrifty struct {
	t       *testing.T
	rand    *rand.Rand
	broker  *memory.Broker
	hub     *hub.Hub
	pub     *publish.Publisher
	tenant  *realtime.Tenant
	channel realtime.Channel
	readers []*saver
	log     []realtime.Publication
	acts    []string
	truth   *truth // whose store has checkpoints
	reads   sync.WaitGroup
	thriftyCounts
}

// saver is one reader, and what it has been told.
type saver struct {
	w       *thrifty
	name    string
	state   bool
	columns []string // of its token
	tight   bool     // it is given what is new by and by, and so may be told what it has been told in between
	want    hub.Want
	page    *page

	rows    map[string]told
	at      string // its Position
	view    string
	loading bool
	resumed bool // and so may be told what it has
	since   int  // of the log, what has come from here on a reader without state is to be told
}

// told is what a reader was told of a key last.
type told struct {
	content string
	index   int   // in the log
	ends    int64 // when its time is over, ms; 0 is never
}

func newThrifty(t *testing.T, seed uint64) *thrifty {
	t.Helper()
	w := &thrifty{t: t, rand: rand.New(rand.NewPCG(seed, 11)), broker: memory.NewBroker(memory.BrokerOptions{})}
	w.tenant = &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}}
	w.pub = publish.New(w.broker, publish.Options{})
	w.truth = newTruth(t, w.broker, realtime.OwnTopic(w.tenant), func(c realtime.Channel) *realtime.State { return w.tenant.Rules(c.Namespace()).State })
	w.reads.Go(w.truth.read)
	w.truth.save(t)
	w.hub = hub.New(w.broker, hub.Options{Instance: "i1", Payload: wire.Compact, Filters: thriftyCompiler{}, States: w.truth.store})
	var err error
	if w.channel, err = realtime.NewChannel("acme", "fleet:eu"); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r := &saver{w: w, name: fmt.Sprint("reader", i), state: i%3 > 0, tight: i%5 > 2}
		if i%4 == 3 {
			r.columns = []string{"n", "m", "q"}
		}
		w.readers = append(w.readers, r)
	}
	return w
}

func (w *thrifty) act(format string, args ...any) {
	w.acts = append(w.acts, fmt.Sprintf(format, args...))
}

// live takes a number of random steps.
func (w *thrifty) live(steps int) {
	for range steps {
		r := w.readers[w.rand.IntN(len(w.readers))]
		switch n := w.rand.IntN(100); {
		case n < 70:
			w.publish(1 + w.rand.IntN(4))
		case n < 78, r.page == nil:
			r.connect()
		case n < 83:
			r.tune()
		case n < 88:
			w.act("%s stumbles", r.name)
			r.page.mu.Lock()
			r.page.stuck = !r.page.stuck
			r.page.mu.Unlock()
			r.page.Flush()
		}
		time.Sleep([]time.Duration{0, time.Millisecond, 70 * time.Millisecond, 3 * time.Second}[w.rand.IntN(4)])
		synctest.Wait()
		if time.Since(w.truth.saved) > 30*time.Second {
			w.truth.save(w.t)
		}
		for _, r := range w.readers {
			r.read()
		}
		if w.t.Failed() {
			return
		}
	}
}

// publish publishes some events.
func (w *thrifty) publish(n int) {
	for range n {
		p := realtime.Publication{Channel: w.channel, ID: fmt.Sprint(len(w.log)), Key: fmt.Sprint("k", w.rand.IntN(5)), Tags: map[string]string{"desk": string("aaaab"[w.rand.IntN(5)])}}
		p.Data = fmt.Appendf(nil, `{"n":%d,"m":%d,"q":%d,"o":%s}`, w.rand.IntN(2), w.rand.IntN(3)/2, w.rand.IntN(60)/59, p.ID)
		switch w.rand.IntN(40) {
		case 0:
			p.Op, p.Key, p.Tags, p.Data = realtime.OpClear, "", nil, nil
		case 1, 2:
			p.Op, p.Data = realtime.OpDelete, nil
		case 3:
			p.TTL = []time.Duration{3 * time.Second, 100 * time.Hour}[w.rand.IntN(2)]
		case 4:
			p.EventType = "e"
		case 5:
			p.Data = []byte("7")
		case 6:
			p.Tags["odd"] = "1"
		}
		w.act("publishes %s %q %v %s %s ttl %v", p.ID, p.Key, p.Tags, p.Op, p.Data, p.TTL)
		p.Time = time.Now()
		w.log = append(w.log, p)
		if err := w.pub.Publish(context.Background(), w.tenant, []realtime.Publication{p}); err != nil {
			w.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// fields are those that a reader sees; all says that there are others.
func (r *saver) fields() (names []string, all bool) {
	if r.columns == nil {
		return r.want.Fields, r.want.Fields == nil
	}
	names = slices.Clone(r.columns)
	if r.want.Fields != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(r.want.Fields, n) })
	}
	return names, false
}

// content is what a reader sees of a value: everything but when it was published.
func (r *saver) content(p *realtime.Publication) string {
	data := map[string]any{}
	names, all := r.fields()
	if json.Unmarshal(p.Data, &data) != nil && !all {
		data = nil
	}
	maps.DeleteFunc(data, func(name string, _ any) bool { return !all && !slices.Contains(names, name) })
	text, err := json.Marshal(data)
	if err != nil {
		r.w.t.Fatal(err)
	}
	if all {
		text = p.Data
	}
	return fmt.Sprintf("%s %v %s", text, p.Tags, p.EventType)
}

// shows reports whether a reader sees something of a value.
func (r *saver) shows(p *realtime.Publication) bool {
	return r.want.Filter == "" || r.want.Filter == "m" && byM{}.Match(p, nil) || r.want.Filter == "desk a" && p.Tags["desk"] == "a"
}

// byM is a filter by data that fields need not show.
type byM struct{}

func (byM) Match(p *realtime.Publication, _ *view.Memo) bool {
	return bytes.Contains(p.Data, []byte(`"m":1`))
}
func (byM) ID() string { return "m" }

type thriftyCompiler struct{ deskCompiler }

func (c thriftyCompiler) Compile(source string, v view.Viewer) (view.Filter, error) {
	if source == "m" {
		return byM{}, nil
	}
	return c.deskCompiler.Compile(source, v)
}

// changed reports whether what a reader sees of a key has changed behind one place in the log, up to another.
func (r *saver) changed(key string, behind, upTo int) bool {
	var after *realtime.Publication // a value that the reader sees
	for i := upTo; i >= 0; i-- {
		p := &r.w.log[i]
		if p.Op != realtime.OpClear && p.Key != key {
			continue
		}
		set := p.Op == realtime.OpSet && r.shows(p)
		if after != nil && (!set || p.TTL != 0 || after.TTL != 0 || r.content(p) != r.content(after)) {
			return true
		}
		if after = nil; set {
			after = p
		}
		if i <= behind {
			return false
		}
		if _, all := r.fields(); all {
			return true
		}
	}
	return after != nil
}

func (r *saver) wish() (want hub.Want) {
	w := r.w
	want.Fields = [][]string{{"n"}, {"q"}, {"q"}, {"m"}, {"n", "m"}, {"x"}, {"x"}, nil}[w.rand.IntN(8)]
	want.Filter = []string{"", "", "desk a", "m"}[w.rand.IntN(4)]
	want.MaxRate = []float64{0, 2, 20}[w.rand.IntN(3)]
	if !r.state && want.MaxRate == 0 {
		want.MaxRate = 5
	}
	want.Paused = w.rand.IntN(10) == 0
	return want
}

// connect connects a reader, anew or from where it stands.
func (r *saver) connect() {
	w := r.w
	resumes := r.page != nil && r.state && w.rand.IntN(2) == 0
	r.leave()
	r.page = &page{t: w.t, box: outbox.New(wire.Encoder{}, nil)}
	if r.tight {
		r.page.box.LimitReplays(2 + w.rand.IntN(3000))
	}
	p := &realtime.Principal{Tenant: "acme", User: r.name, Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}
	if r.columns != nil {
		p.Views.Columns = map[realtime.Pattern][]string{"**": r.columns}
	}
	conn, err := w.hub.Connect(w.tenant, p, r.page.box, r.page)
	if err != nil {
		w.t.Fatal(err)
	}
	r.page.conn = conn
	req := hub.SubscribeRequest{ID: "1", Channel: w.channel, State: r.state}
	if resumes && !r.loading {
		at, err := realtime.ParsePosition(r.at)
		if err != nil {
			w.t.Fatal(err)
		}
		req.Since, req.View = at, r.view
	} else {
		r.want = r.wish()
		r.rows = map[string]told{}
	}
	req.Want, r.since, r.resumed = r.want, len(w.log), false
	w.act("%s connects since %s: %+v", r.name, req.Since, req.Want)
	if err := w.hub.Subscribe(conn, req); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *saver) leave() {
	if r.page != nil {
		r.read()
		r.w.hub.Disconnect(r.page.conn)
		r.page = nil
	}
}

// tune has it want something else. A reader without state is told what comes from now on.
func (r *saver) tune() {
	w := r.w
	r.page.mu.Lock()
	stuck := r.page.stuck
	r.page.mu.Unlock()
	if stuck || r.want.Paused || r.loading {
		return // what is on its way to it is still by what it wanted before
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	r.read()
	r.want = r.wish()
	w.act("%s tunes to %+v", r.name, r.want)
	r.resumed = true
	if !r.state {
		r.rows, r.since, r.resumed = map[string]told{}, len(w.log), false
	}
	if _, err := r.page.conn.Tune(w.channel, "", func(hub.Want) (hub.Want, error) { return r.want, nil }); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	r.read()
	r.resumed = false
}

// read takes what it is told.
func (r *saver) read() {
	if r.page == nil {
		return
	}
	for _, f := range r.page.take() {
		switch f.Type {
		case wire.TypeOK:
			if f.View != "" || f.State != nil || f.Resumed {
				r.view = f.View
			}
			if r.resumed = f.Resumed; f.Resumed {
				r.w.resumed++
			} else if r.state && f.State != nil {
				r.rows, r.loading = map[string]told{}, true
			}
		case wire.TypeSnapshot:
			if f.Reset {
				r.rows = map[string]told{}
			}
			for i := range f.Entries {
				r.row(&f.Entries[i], true)
			}
			if r.loading = f.More; !f.More {
				r.view = f.View
			}
		case wire.TypeChanges:
			for i := range f.Entries {
				r.row(&f.Entries[i], r.resumed)
			}
		case wire.TypeMessage:
			r.row(&f, r.resumed)
		case wire.TypeNotice:
			if f.Code == wire.NoticeView {
				r.view = f.View
			}
		}
		if f.Position != "" {
			r.at = f.Position
		}
	}
}

// row takes what it is told of a key. again says that it may have been told before.
func (r *saver) row(f *wire.ServerFrame, again bool) {
	w := r.w
	switch {
	case f.Cleared:
		clear(r.rows)
		return
	case f.Deleted, f.Left.Sight:
		delete(r.rows, f.Key)
		return
	}
	at, err := realtime.ParsePosition(f.Position)
	var index int
	if _, scan := fmt.Sscan(at.ID, &index); err != nil || scan != nil {
		w.t.Fatalf("%q: %v, %v", f.Position, err, scan)
	}
	had, has := r.rows[f.Key]
	if has && !again && !r.tight && !r.changed(f.Key, had.index, index) {
		w.t.Errorf("%s, state %v, %+v %v: is told %s of %s, of which it was told %d: %s\nafter\n%s", r.name, r.state, r.want, r.columns, at.ID, f.Key, had.index, had.content,
			strings.Join(w.acts[max(0, len(w.acts)-60):], "\n"))
	}
	if _, all := r.fields(); has && !all {
		w.saved += r.spared(f.Key, had.index, index)
	}
	w.told++
	p := realtime.Publication{Key: f.Key, Tags: f.Tags, Data: f.Data, EventType: f.EventType}
	r.rows[f.Key] = told{r.content(&p), index, f.ExpiresAt}
}

// spared is how many values of a key came between two that a reader was told.
func (r *saver) spared(key string, from, to int) (n int) {
	for _, p := range r.w.log[min(from+1, to):to] {
		if p.Key == key {
			n++
		}
	}
	return n
}

// end lets everything arrive and judges what readers have been told.
func (w *thrifty) end() {
	w.act("the end")
	for _, r := range w.readers {
		if r.page == nil {
			continue
		}
		r.page.mu.Lock()
		r.page.stuck = false
		r.page.mu.Unlock()
		r.page.Flush()
		if r.want.Paused {
			r.want.Paused = false
			if _, err := r.page.conn.Tune(w.channel, "", func(hub.Want) (hub.Want, error) { return r.want, nil }); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	for _, r := range w.readers {
		if r.page != nil {
			r.read()
			r.judge()
			r.leave()
		}
	}
	if err := w.hub.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := w.broker.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.reads.Wait()
}

// judge compares what a reader has been told with what is: all keys of a state, or those that have come since a reader without one came.
func (r *saver) judge() {
	w, want := r.w, map[string]string{}
	for i := range w.log {
		p := &w.log[i]
		switch {
		case p.Op == realtime.OpClear:
			clear(want)
		case p.Op == realtime.OpDelete, !r.shows(p):
			delete(want, p.Key)
		case r.state || i >= r.since:
			want[p.Key] = r.content(p)
			if r.state && p.TTL > 0 && !p.Expires().After(time.Now()) {
				delete(want, p.Key)
			}
		}
	}
	maps.DeleteFunc(r.rows, func(_ string, row told) bool { return r.state && row.ends > 0 && row.ends <= time.Now().UnixMilli() })
	for key, content := range want {
		if got := r.rows[key].content; got != content {
			w.t.Errorf("%s, state %v, %+v %v: of %s it was told %q, and it is %q, after\n%s", r.name, r.state, r.want, r.columns, key, got, content, strings.Join(w.acts[max(0, len(w.acts)-60):], "\n"))
		}
		w.judged++
	}
	if r.state && len(r.rows) != len(want) {
		w.t.Errorf("%s has %v, want %v", r.name, r.rows, want)
	}
}

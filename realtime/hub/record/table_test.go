package record

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// desk is a filter by a tag.
type desk string

func (d desk) Match(p *realtime.Publication, _ *view.Memo) bool { return p.Tags["desk"] == string(d) }
func (d desk) ID() string                                       { return string(d) }

type compileDesk struct{}

func (compileDesk) Compile(source string, _ view.Viewer) (view.Filter, error) {
	return desk(source), nil
}

func viewOf(t testing.TB, filter string) *view.View {
	t.Helper()
	v, err := view.NewBuilder(compileDesk{}).Build(&view.Rules{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tableWorld is a Table, what it should hold by a simple model, and readers who take what they are given at their own pace.
type tableWorld struct {
	t      testing.TB
	r      *rand.Rand
	c      realtime.Channel
	table  *Table
	now    time.Time
	n      int
	log    []realtime.Message // of all, in order
	state  map[string]realtime.Message
	sights []*Sight
	all    []*tableReader
	quiet  int // changes that were no news to a sight
}

// tableReader is a client: it believes what it is told.
type tableReader struct {
	sight    *Sight
	screen   map[string]string // key to the ID of its value
	last     int64             // publish time of the newest it was told
	cursor   Cursor
	snapshot *Snapshot
	position realtime.Position
	resumed  bool
}

func newTableWorld(t testing.TB, seed uint64) *tableWorld {
	t.Helper()
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	w := &tableWorld{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), c: c, now: time.UnixMilli(1_800_000_000_000), state: map[string]realtime.Message{},
		table: NewTable(c, realtime.State{}, TableOptions{}),
	}
	for _, filter := range []string{"", "a", "b"} {
		w.sights = append(w.sights, &Sight{View: viewOf(t, filter)})
	}
	w.sights = append(w.sights, &Sight{View: viewOf(t, "a"), Events: true}) // nobody's: what is news to it is looked at
	for i := range 6 {
		w.all = append(w.all, w.begin(&tableReader{sight: w.sights[i%3]}))
	}
	return w
}

// begin gives a reader a new snapshot.
func (w *tableWorld) begin(r *tableReader) *tableReader {
	s := NewSnapshot(w.table, w.table.Position())
	r.resumed = false
	r.screen, r.snapshot = map[string]string{}, &s
	return r
}

// apply applies a message. Who has had all before is told something of it, or may be, if there is news in sight, and nothing if there is none.
func (w *tableWorld) apply(m *realtime.Message) {
	w.t.Helper()
	before := w.table.At()
	c, is := w.table.Apply(m)
	if !is {
		return
	}
	for _, s := range w.sights {
		news, cursor := s.See(w.table, &c), before
		for st, more := cursor.Next(w.table, s); more; st, more = cursor.Next(w.table, s) {
			if st.Shown() && !news {
				w.t.Fatalf("%s is told %s of %+v, and there was no news", s.View.ID(), st.Key, m.Publication)
			}
		}
		if !news {
			w.quiet++
		}
	}
}

func (w *tableWorld) see(c Change) {
	for _, s := range w.sights {
		s.See(w.table, &c)
	}
}

func (w *tableWorld) publish() {
	w.n++
	w.now = w.now.Add(time.Duration(w.r.IntN(3)) * time.Millisecond)
	m := realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: w.c, ID: fmt.Sprint(w.n), Time: w.now, Key: fmt.Sprint("k", w.r.IntN(12))}}
	switch w.r.IntN(40) {
	case 0:
		m.Op, m.Key = realtime.OpClear, ""
		w.state = map[string]realtime.Message{}
	case 1, 2, 3, 4, 5, 6:
		m.Op = realtime.OpDelete
		delete(w.state, m.Key)
	default:
		m.Tags = map[string]string{"desk": string("ab"[w.r.IntN(2)])}
		m.Data = []byte(m.ID)
		if w.r.IntN(4) == 0 {
			m.TTL = time.Second
		}
		w.state[m.Key] = m
	}
	w.log = append(w.log, m)
	w.apply(&m)
}

// again lets another stream bring what has come before.
func (w *tableWorld) again() {
	from := max(0, len(w.log)-1-w.r.IntN(30))
	for i := from; i < len(w.log); i++ {
		if w.log[i].Time.UnixMilli() <= w.table.until {
			continue // no stream reaches back further than removals are remembered
		}
		w.apply(&w.log[i])
	}
}

func (w *tableWorld) expire() {
	w.now = w.now.Add(500 * time.Millisecond)
	for key, m := range w.state {
		if m.TTL > 0 && !m.Expires().After(w.now) {
			delete(w.state, key)
		}
	}
	w.table.Expire(w.now, 1000, w.see)
}

// take gives a reader some of what it is to have.
func (w *tableWorld) take(r *tableReader, most int) {
	if r.snapshot != nil {
		if r.snapshot.Spoilt(w.table) {
			w.begin(r)
		}
		over := r.snapshot.Part(w.table, r.sight, func(key string, p *Pass) bool {
			p.Show(func(p *realtime.Publication) { r.screen[key] = p.ID })
			most--
			return most > 0
		})
		if !over {
			return
		}
		r.cursor, r.position = r.snapshot.End()
		r.snapshot, r.last = nil, r.position.Time
	}
	for ; most > 0; most-- {
		if r.cursor.Lost(w.table) {
			w.begin(r)
			return
		}
		st, more := r.cursor.Next(w.table, r.sight)
		if !more {
			return
		}
		if st.Shown() {
			st.Show(func(p *realtime.Publication) { w.told(r, p) })
		}
	}
}

func (w *tableWorld) told(r *tableReader, p *realtime.Publication) {
	w.t.Helper()
	_, has := r.screen[p.Key]
	switch p.Op {
	case realtime.OpSet:
		if v := r.sight.View; v.Filtered() && !v.Shows(p, &view.Memo{}) {
			w.t.Fatalf("%s is shown %v", v.ID(), p)
		}
		if r.screen[p.Key] == p.ID && !r.resumed { // whose Position may be that of a snapshot's begin
			w.t.Fatalf("%s comes twice", p.ID)
		}
		r.screen[p.Key] = p.ID
	case realtime.OpClear:
		clear(r.screen)
	case realtime.OpDelete, realtime.OpExpire, realtime.OpLeave:
		if !has && r.sight.View.Filtered() && w.hidden(p.Key, r.sight.View) {
			w.t.Fatalf("told the name of %q, which it has never been shown", p.Key)
		}
		delete(r.screen, p.Key)
	}
	if p.Op != realtime.OpExpire {
		r.last, r.position = max(r.last, p.Time.UnixMilli()), p.Position()
	}
}

// hidden reports whether a View has never shown a key.
func (w *tableWorld) hidden(key string, v *view.View) bool {
	return !slices.ContainsFunc(w.log, func(m realtime.Message) bool { return m.Key == key && v.Shows(&m.Publication, &view.Memo{}) })
}

// comeBack lets a reader go on from its Position.
func (w *tableWorld) comeBack(r *tableReader) {
	if r.snapshot != nil {
		w.begin(r)
		return
	}
	var known []string
	for _, m := range w.log {
		if m.Time.UnixMilli() == r.position.Time {
			known = append(known, m.ID)
			if m.ID == r.position.ID {
				break
			}
		}
	}
	c, ok := w.table.Resume(r.position.Time, known)
	if !ok || r.sight.View.Filtered() {
		w.begin(r) // of what went out of sight meanwhile nobody knows
		return
	}
	r.cursor, r.resumed = c, true
}

func (w *tableWorld) check() {
	w.t.Helper()
	want := map[string]string{}
	for i := range w.sights {
		clear(want)
		for key, m := range w.state {
			if w.sights[i].View.Shows(&m.Publication, &view.Memo{}) {
				want[key] = m.ID
			}
		}
		for _, r := range w.all {
			if r.sight != w.sights[i] {
				continue
			}
			for n := 0; n < 3; n++ { // a snapshot, and what came behind it
				w.take(r, 1<<20)
			}
			if !maps.Equal(r.screen, want) {
				w.t.Fatalf("after %d: %q has %v, want %v", w.n, w.sights[i].View.ID(), r.screen, want)
			}
		}
	}
	for _, s := range w.sights {
		s.Forget()
	}
	if keys, _ := w.table.Size(); keys != len(w.state) {
		w.t.Fatalf("%d keys, want %d", keys, len(w.state))
	}
}

// A client that believes what it is told has, whenever nothing is under way, exactly what it may see of the state; and is never told of what it may not.
func TestTableConverges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		w := newTableWorld(t, seed)
		for range 1500 {
			switch x := w.r.IntN(100); {
			case x < 55:
				w.publish()
			case x < 60:
				w.again()
			case x < 64:
				w.expire()
			case x < 66:
				w.table.Prune(w.now.Add(-time.Duration(w.r.IntN(2000))*time.Millisecond), 100)
			case x < 70:
				w.comeBack(w.all[w.r.IntN(len(w.all))])
			case x < 74:
				w.check()
			default:
				w.take(w.all[w.r.IntN(len(w.all))], 1+w.r.IntN(4))
			}
		}
		w.check()
		w.table.Forget()
		if _, bytes := w.table.Size(); bytes != 0 {
			t.Fatalf("%d bytes are held by nothing", bytes)
		}
		if w.quiet == 0 {
			t.Error("every change was news to everybody")
		}
	}
}

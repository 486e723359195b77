package record

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// decideWorld is the log of a channel, what a plain fold of it says, and Tables that hear it as hubs may: from some moment on, by several streams, late,
// parts of it in doubt, and with checkpoints laid over.
type decideWorld struct {
	t      testing.TB
	r      *rand.Rand
	c      realtime.Channel
	now    time.Time
	log    []realtime.Message
	before []map[string]realtime.KeyState // what the keys were before each of the log
	values map[string]realtime.KeyState
	cleans realtime.Position // the newest clear
	won    map[string]bool
	counts [3]uint64 // of each publisher, what it has published
	all    []*decideTable

	decided, unknown int
}

// decideTable is a Table and what has come of the log.
type decideTable struct {
	*Table
	from    int // of the log
	streams []int
	whole   bool // all of the log is in it
}

func newDecideWorld(t testing.TB, seed uint64) *decideWorld {
	t.Helper()
	c, err := realtime.NewChannel("acme", "lock:1")
	if err != nil {
		t.Fatal(err)
	}
	return &decideWorld{
		t: t, r: rand.New(rand.NewPCG(seed, 11)), c: c, now: time.UnixMilli(1_800_000_000_000),
		values: map[string]realtime.KeyState{}, won: map[string]bool{},
	}
}

// begin lets a Table begin to hear the log, from about now on.
func (w *decideWorld) begin() {
	from := len(w.log)
	for from > 0 && w.log[from-1].Time.Equal(w.now) { // a moment is whole or not at all
		from--
	}
	t := &decideTable{Table: NewTable(w.c, realtime.State{}, TableOptions{}), from: from, streams: []int{from}, whole: from == 0}
	t.KnownSince(w.now.UnixMilli())
	w.all = append(w.all, t)
}

// stateOf is what the log says of a key.
func (w *decideWorld) stateOf(key string) realtime.KeyState {
	if s, is := w.values[key]; is {
		return s
	}
	return realtime.KeyState{At: w.cleans, Ends: w.cleans.Time}
}

func (w *decideWorld) publish() {
	switch n := w.r.IntN(20); {
	case n < 8:
	case n < 18:
		w.now = w.now.Add(time.Duration(1+w.r.IntN(40)) * time.Millisecond)
	default:
		w.now = w.now.Add(time.Duration(w.r.IntN(4000)) * time.Millisecond)
	}
	by := w.r.IntN(3)
	w.counts[by]++
	m := realtime.Message{Kind: realtime.KindPublication, Series: fmt.Sprint("s", by), Number: w.counts[by], Publication: realtime.Publication{
		Channel: w.c, ID: fmt.Sprint("e", len(w.log)), Key: fmt.Sprint("k", w.r.IntN(3)), Time: w.now, Data: []byte("1"),
	}}
	if w.r.IntN(2) == 0 {
		m.TTL = time.Duration(1+w.r.IntN(3)) * time.Second
	}
	switch n := w.r.IntN(20); {
	case n == 0:
		m.Op, m.Key, m.Data, m.TTL = realtime.OpClear, "", nil, 0
	case n == 1:
		m.Op, m.Data, m.TTL = realtime.OpDelete, nil, 0
	case n < 4:
	default:
		m.If = w.condition(m.Key)
		if w.r.IntN(4) == 0 {
			m.Op, m.Data, m.TTL = realtime.OpDelete, nil, 0
		}
	}
	kept := maps.Clone(w.values)
	for _, key := range []string{"k0", "k1", "k2"} {
		kept[key] = w.stateOf(key)
	}
	w.log, w.before = append(w.log, m), append(w.before, kept)
	w.fold(&m)
}

// condition is one, with what somebody knew who had heard the log up to a moment ago, and perhaps a little more.
func (w *decideWorld) condition(key string) *realtime.Condition {
	c := &realtime.Condition{Is: []realtime.ConditionKind{realtime.ConditionAbsent, realtime.ConditionPresent, realtime.ConditionPosition}[w.r.IntN(3)]}
	if s := w.stateOf(key); c.Is == realtime.ConditionPosition {
		if c.Position = s.At; s.At.IsZero() || w.r.IntN(5) == 0 {
			c.Position = realtime.Position{Time: w.now.UnixMilli(), ID: "none"}
		}
	}
	heard := max(0, len(w.log)-w.r.IntN(6))
	c.Known, c.AsOf = w.stateOf(key), w.now.UnixMilli()
	if heard < len(w.log) {
		c.Known, c.AsOf = w.before[heard][key], w.log[heard].Time.UnixMilli()
	}
	c.AsOf -= int64(w.r.IntN(3) * w.r.IntN(100))
	return c
}

func (w *decideWorld) fold(m *realtime.Message) {
	ms := m.Time.UnixMilli()
	if m.If != nil {
		has := w.values[m.Key].Has(ms)
		switch m.If.Is {
		case realtime.ConditionAbsent:
			w.won[m.ID] = !has
		case realtime.ConditionPresent:
			w.won[m.ID] = has
		default:
			w.won[m.ID] = has && w.values[m.Key].At.ID == m.If.Position.ID
		}
		if !w.won[m.ID] {
			return
		}
	}
	switch m.Op {
	case realtime.OpClear:
		clear(w.values)
		w.cleans = m.Position()
	case realtime.OpDelete:
		w.values[m.Key] = realtime.KeyState{At: m.Position(), Ends: ms}
	default:
		s := realtime.KeyState{At: m.Position()}
		if m.TTL > 0 {
			s.Ends = m.Expires().UnixMilli()
		}
		w.values[m.Key] = s
	}
}

// hear lets a stream of a Table bring some of the log; it may be as far as others are, or behind.
func (w *decideWorld) hear(t *decideTable, stream, most int) {
	at := &t.streams[stream]
	for ; most > 0 && *at < len(w.log); most-- {
		m := w.log[*at]
		w.early(t, *at)
		*at++
		first := *at > slices.Max(slices.Concat(t.streams[:stream], t.streams[stream+1:], []int{0}))
		if first && m.If != nil && w.r.IntN(30) == 0 { // a stream that begins cannot tell its place
			Undecided(t.Table, m.Key, &m)
			continue
		}
		t.Apply(&m)
		w.judge(t, &m)
	}
}

// early lets something come before what is older and of other keys, now and then.
func (w *decideWorld) early(t *decideTable, at int) {
	to := at + 1 + w.r.IntN(5)
	if to >= len(w.log) || w.r.IntN(8) > 0 {
		return
	}
	m := w.log[to]
	if m.If == nil && m.Op == realtime.OpSet && m.Time.After(w.log[to-1].Time) &&
		!slices.ContainsFunc(w.log[at:to], func(o realtime.Message) bool { return o.Key == m.Key }) {
		t.Apply(&m)
	}
}

func (w *decideWorld) judge(t *decideTable, m *realtime.Message) {
	w.t.Helper()
	if m.If == nil {
		return
	}
	switch o := Decided(t.Table, m.ID); {
	case o.Verdict == realtime.VerdictUnknown:
		w.unknown++
	case w.won[m.ID] != (o.Verdict == realtime.VerdictApplied):
		w.t.Fatalf("%s of %s is %v, want applied %v (Table from %d, streams %v)\n%s", m.ID, m.Key, o, w.won[m.ID], t.from, t.streams, w.story(m))
	default:
		w.decided++
	}
}

// again lets another stream bring what came a while ago, and what comes.
func (w *decideWorld) again(t *decideTable) {
	from := t.from + w.r.IntN(1+slices.Max(t.streams)-t.from)
	if len(t.streams) > 3 {
		t.streams = t.streams[1:]
	}
	from = max(from, slices.Min(t.streams)-20, t.from)
	if w.r.IntN(6) == 0 {
		from = max(0, t.from-w.r.IntN(10)) // which the Table had not heard at all
	}
	t.streams = append(t.streams, from)
}

// load lays over a Table what a keeper has saved of the log up to some moment.
func (w *decideWorld) load(t *decideTable) {
	heard := slices.Max(t.streams)
	to := heard - w.r.IntN(1+heard-t.from)
	for to > 0 && to < len(w.log) && w.log[to-1].Time.Equal(w.log[to].Time) {
		to--
	}
	if to <= t.from || to >= len(w.log) || t.from == 0 {
		return
	}
	watermark, since := w.log[to].Time.UnixMilli(), w.log[t.from].Time.UnixMilli()
	if to < heard && w.r.IntN(2) == 0 {
		watermark = w.log[heard-1].Time.UnixMilli() // all of before is stored, and some of what follows
	}
	has := map[string]bool{}
	for _, key := range []string{"k0", "k1", "k2"} {
		s := w.before[to][key]
		if s.At.IsZero() || !s.Has(w.now.UnixMilli()) {
			continue
		}
		i := slices.IndexFunc(w.log, func(m realtime.Message) bool { return m.ID == s.At.ID })
		m := w.log[i]
		m.If, m.Series, m.Number = nil, "", 0
		Load(t.Table, &m, min(since, w.log[to].Time.UnixMilli()))
		has[key] = true
	}
	for last, more := uint64(0), true; more; {
		last, more = Outdated(t.Table, last, min(since, watermark), func(key string) bool { return has[key] }, w.now, func(Change) {})
	}
	Settle(t.Table, w.log[to].Time.UnixMilli(), func(key string) bool { return has[key] }, w.now, func(Change) {})
	t.whole = true
}

// check compares those Tables that know everything with the log.
func (w *decideWorld) check() {
	w.t.Helper()
	for _, t := range w.all {
		for i := range t.streams {
			w.hear(t, i, len(w.log))
		}
		for _, key := range []string{"k0", "k1", "k2"} {
			s, known := StateOf(t.Table, key)
			if !known || !t.whole {
				continue
			}
			want := w.stateOf(key)
			if ms := w.now.UnixMilli() + 1; s.Has(ms) != want.Has(ms) || s.Has(ms) && s.At != want.At {
				w.t.Fatalf("%s is %v, want %v (Table from %d)\n%s", key, s, want, t.from, w.story(&w.log[len(w.log)-1]))
			}
		}
	}
}

// story is what was published of the key of a message.
func (w *decideWorld) story(about *realtime.Message) (text string) {
	for i, m := range w.log {
		if m.Key == about.Key || m.Op == realtime.OpClear {
			text += fmt.Sprintf("%d %s %d %q if %v ttl %v %s/%d: %v\n", i, m.ID, m.Time.UnixMilli()-1_800_000_000_000, m.Op, m.If, m.TTL, m.Series, m.Number, w.won[m.ID])
		}
	}
	return text
}

// However a Table hears the log, what it decides is what a plain fold of the whole log says, and what it says of a key is what the log makes of it.
func TestTablesDecideAlike(t *testing.T) {
	t.Parallel()
	decided, unknown := 0, 0
	for seed := range uint64(120) {
		w := newDecideWorld(t, seed)
		w.begin()
		for range 250 {
			table := w.all[w.r.IntN(len(w.all))]
			switch n := w.r.IntN(100); {
			case n < 40:
				w.publish()
			case n < 75:
				w.hear(table, w.r.IntN(len(table.streams)), 1+w.r.IntN(6))
			case n < 80:
				w.again(table)
			case n < 84:
				table.Expire(w.now.Add(time.Duration(w.r.IntN(2))*time.Second), 100, func(Change) {})
			case n < 88:
				w.load(table)
			case n < 90 && len(w.all) < 5:
				w.begin()
			case n < 94:
				w.check()
			}
			if t.Failed() {
				t.Fatal("seed", seed)
			}
		}
		w.check()
		decided, unknown = decided+w.decided, unknown+w.unknown
	}
	if decided < 2*unknown {
		t.Errorf("%d were decided, and %d were not", decided, unknown)
	}
	t.Log(decided, unknown)
}

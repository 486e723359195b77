package history_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

type owner struct{}

func (owner) Evicted(realtime.Channel, realtime.Reason, int) {}
func (owner) Emptied(realtime.Channel)                       {}
func (owner) Unencodable(realtime.Channel)                   {}

// event is one of the plain list that a record is compared with.
type event struct {
	id, key string
	time    int64
}

// model is a record, and a plain list of what came.
type model struct {
	t     *testing.T
	rand  *rand.Rand
	rec   *record.Record
	all   []event // in order
	since int64   // of the record; what is older came, and is not vouched for
	gone  int     // how many of all the record cannot have any more
	now   int64
	most  int
}

const begun = 1_000_000 // ms

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	m := &model{t: t, rand: rand.New(rand.NewPCG(seed, 3)), since: begun, now: begun}
	m.most = 5 + m.rand.IntN(60)
	c, err := realtime.NewChannel("acme", "a")
	if err != nil {
		t.Fatal(err)
	}
	set := record.New(record.Options{Owner: owner{}})
	set.Complete(time.UnixMilli(begun))
	m.rec = set.Open(c, &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"*": {Window: m.most, WindowFor: realtime.Duration(100 * 365 * 24 * time.Hour)}}})
	early := m.rand.IntN(4)
	for i := range early { // a replay brings more than it vouches for
		m.rec.Buffer(m.message(event{strconv.Itoa(-i - 1), "a", begun - 10}), false)
	}
	m.rec.Make(begun)
	return m
}

func (m *model) message(e event) *realtime.Message {
	return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: m.rec.Channel(), ID: e.id, Key: e.key, Time: time.UnixMilli(e.time), Data: []byte("1")}}
}

// publish appends some events; a hole may come between.
func (m *model) publish(n int) {
	for range n {
		m.now += int64(m.rand.IntN(3))
		e := event{strconv.Itoa(len(m.all)), []string{"a", "b", "c"}[m.rand.IntN(3)], m.now}
		m.all = append(m.all, e)
		m.rec.Append(m.message(e), time.UnixMilli(m.now))
		m.gone = max(m.gone, len(m.all)-m.most)
	}
	if m.rand.IntN(30) == 0 {
		m.now++
		m.rec.Lose(m.now)
		m.gone, m.since = len(m.all), m.now+1
		m.now += 2
	}
}

// view returns one that shows some keys, or all.
func (m *model) view() (*view.View, string) {
	if m.rand.IntN(3) == 0 {
		return nil, ""
	}
	key := []string{"a", "b", "c", "d"}[m.rand.IntN(4)]
	v, err := view.NewBuilder(nil).Build(&view.Rules{Keys: []string{key}})
	if err != nil {
		m.t.Fatal(err)
	}
	return v, key
}

// seen is what a viewer sees of the list from one place up to another.
func (m *model) seen(from, to int, key string) (ids []string) {
	for _, e := range m.all[min(from, to):to] {
		if key == "" || e.key == key {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// look makes parts until it is done; meanwhile more is published.
func (m *model) look(look func(func() bool) bool, meanwhile bool) {
	for {
		steps := m.rand.IntN(12)
		if look(func() bool { steps--; return steps < 0 }) {
			return
		}
		if meanwhile && m.rand.IntN(2) == 0 {
			m.publish(m.rand.IntN(10))
		}
	}
}

func TestRewind(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		m := newModel(t, seed)
		m.publish(m.rand.IntN(3 * m.most))
		v, key := m.view()
		w := realtime.Rewind{Count: 1 + m.rand.IntN(m.most)}
		if m.rand.IntN(2) == 0 {
			w = realtime.Rewind{For: time.Duration(1+m.rand.IntN(80)) * time.Millisecond}
		}
		start := history.NewStart(m.rec, v, w, time.UnixMilli(m.now))
		cutoff, end := m.now-w.For.Milliseconds(), len(m.all)
		m.look(start.Look, true)
		got := start.Found()
		low := min(m.gone, len(m.all))
		if m.gone > end {
			end = m.gone
		}
		if w.For != 0 {
			low = max(low, slices.IndexFunc(append(slices.Clone(m.all), event{time: 1 << 60}), func(e event) bool { return e.time >= cutoff }))
		}
		low = min(low, end)
		want := m.seen(low, end, key)
		complete := w.For != 0 && cutoff-1 >= m.since && (m.gone == 0 || m.all[m.gone-1].time < cutoff-1 || m.all[m.gone-1].time < m.since)
		if w.Count != 0 {
			complete = len(want) >= w.Count
			want = want[max(0, len(want)-w.Count):]
		}
		var ids []string
		for i := got.From; i < m.rec.Len() && m.rec.First()+uint64(i) < got.Until; i++ {
			if e := m.rec.At(i); key == "" || e.Key == key {
				ids = append(ids, e.At.ID)
			}
		}
		if !slices.Equal(ids, want) || got.Count != len(want) || got.Complete != complete {
			t.Fatalf("seed %d, %s of %q: got %v, count %d, complete %t; want %v, complete %t", seed, w, key, ids, got.Count, got.Complete, want, complete)
		}
		// Who has had nothing of it comes back to the same place.
		if from, ok := m.rec.Resume(got.Position, 0); ok && from != got.From {
			t.Fatalf("seed %d: %s resumes at %d, want %d", seed, got.Position, from, got.From)
		}
	}
}

// Page after page gives all that a viewer sees of a range, each once, and says when something is missing.
func TestPages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		m := newModel(t, seed)
		m.publish(1 + m.rand.IntN(3*m.most))
		v, key := m.view()
		q := realtime.HistoryQuery{Limit: 1 + m.rand.IntN(20)}
		from, to := 0, len(m.all)
		if at := m.rand.IntN(len(m.all)); m.rand.IntN(2) == 0 {
			if from = at + 1; m.rand.IntN(2) == 0 {
				q.After = realtime.Position{Time: m.all[at].time, ID: m.all[at].id}
			} else {
				q.From = m.all[at].time + 1
				from = at + slices.IndexFunc(append(slices.Clone(m.all[at:]), event{time: 1 << 60}), func(e event) bool { return e.time >= q.From })
			}
		}
		bounded := !q.After.IsZero() || q.From != 0
		lower := max(q.After.Time, q.From-1)
		if at := m.rand.IntN(len(m.all)); m.rand.IntN(2) == 0 {
			if to = at; m.rand.IntN(2) == 0 && q.After.IsZero() {
				q.Before = realtime.Position{Time: m.all[at].time, ID: m.all[at].id}
			} else {
				q.To = m.all[at].time
				to = slices.IndexFunc(m.all, func(e event) bool { return e.time >= q.To })
			}
		}
		if q.Check() != nil {
			continue
		}
		from = min(from, to)
		meanwhile := m.rand.IntN(2) == 0
		got, complete, pages, all := []string{}, true, 0, 0
		forward := q.Forward()
		for more := true; more; pages++ {
			page := history.NewPage(m.rec, &history.Ask{HistoryQuery: q, View: v, Bytes: 1 + m.rand.IntN(200), Encode: func(p *realtime.Publication) []byte {
				return []byte(p.Position().String())
			}})
			m.look(page.Look, meanwhile)
			var ids []string
			var ats []realtime.Position
			for _, e := range page.Entries {
				at, err := realtime.ParsePosition(string(e))
				if err != nil {
					t.Fatal(err)
				}
				ids, ats = append(ids, at.ID), append(ats, at)
			}
			complete = complete && page.Complete
			more = page.More
			if all += len(ids); more && len(ids) == 0 || len(ids) > q.Limit || pages > 5000 {
				t.Fatalf("seed %d: a page of %d, more %t", seed, len(ids), more)
			}
			if forward {
				got = append(got, ids...)
				if more {
					q.After, q.From = ats[len(ats)-1], 0
				}
			} else {
				got = append(ids, got...)
				if more {
					q.Before, q.To = ats[0], 0
				}
			}
		}
		want := m.seen(from, to, key) // and perhaps what came meanwhile
		if complete && bounded && (len(got) < len(want) || !slices.Equal(got[:len(want)], want) || !meanwhile && len(got) != len(want)) {
			t.Fatalf("seed %d, %s: complete, got %v, want %v", seed, describe(&q), got, want)
		}
		if !sorted(got) {
			t.Fatalf("seed %d: %v is not in order, each once", seed, got)
		}
		if !meanwhile && bounded && !complete && lower >= m.since && (m.gone == 0 || m.all[m.gone-1].time < lower) {
			t.Fatalf("seed %d, %s: not complete, and nothing is missing: got %v, want %v", seed, describe(&q), got, want)
		}
		if !bounded && complete {
			t.Fatalf("seed %d: complete without a bound", seed)
		}
		if held := m.seen(max(from, m.gone), to, key); !meanwhile && !slices.Equal(got, held) {
			t.Fatalf("seed %d, %s: got %v, the record has %v", seed, describe(&q), got, held)
		}
	}
}

func describe(q *realtime.HistoryQuery) string { return fmt.Sprintf("%+v", *q) }

func sorted(ids []string) bool {
	last := -1
	for _, id := range ids {
		n, err := strconv.Atoi(strings.TrimSpace(id))
		if err != nil || n <= last {
			return false
		}
		last = n
	}
	return true
}

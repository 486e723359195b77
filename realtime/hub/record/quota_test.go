package record

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// quotaModel is what a quota has to do, said as simply as can be: a list of all entries of the
// tenant in the order they came, from which the oldest go.
type quotaModel struct {
	entries []modelEntry
	limit   int
	window  int
	age     time.Duration
}

type modelEntry struct {
	ch   int
	at   int64
	cost int
}

func (m *quotaModel) used() (sum int) {
	for _, e := range m.entries {
		sum += e.cost
	}
	return sum
}

// drop removes the oldest entry that matches, and reports whether there is one.
func (m *quotaModel) drop(matches func(modelEntry) bool) bool {
	i := slices.IndexFunc(m.entries, matches)
	if i >= 0 {
		m.entries = slices.Delete(m.entries, i, i+1)
	}
	return i >= 0
}

func (m *quotaModel) count(ch int) (n int) {
	for _, e := range m.entries {
		if e.ch == ch {
			n++
		}
	}
	return n
}

func (m *quotaModel) publish(e modelEntry) {
	m.entries = append(m.entries, e)
	for m.count(e.ch) > m.window {
		m.drop(func(have modelEntry) bool { return have.ch == e.ch })
	}
	m.expire(e.ch, e.at)
	for m.used() > m.limit && len(m.entries) > 0 {
		m.entries = m.entries[1:]
	}
}

func (m *quotaModel) expire(ch int, now int64) {
	for m.drop(func(have modelEntry) bool { return have.ch == ch && have.at < now-m.age.Milliseconds() }) {
	}
}

// FuzzQuota drives the records of a tenant and the model with the same publications, holes,
// changes of limits and passing of time. Channels hold the same entries and the bytes used are the
// sum of what they cost, after each step.
func FuzzQuota(f *testing.F) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		steps := make([]byte, 400)
		for i := range steps {
			steps[i] = byte(r.UintN(256))
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := &quotaModel{limit: 20_000, window: 6, age: 10 * time.Second}
		doc := func() *realtime.Tenant {
			return &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: m.limit}, Namespaces: map[string]realtime.Namespace{"*": {Window: m.window, WindowFor: realtime.Duration(m.age)}}}
		}
		s := newShelf(t, doc())
		var records []*Record
		for i := range 12 {
			records = append(records, s.made(fmt.Sprintf("c:%d", i)))
		}
		quota := s.set.Quota("acme")
		base := quota.used
		m.limit -= base
		obey := func() {
			quota.Obey(doc())
			for _, r := range quota.Records() {
				r.Obey(quota.Tenant().Rules(r.Channel().Namespace()))
			}
		}
		for len(steps) >= 2 {
			op, arg := steps[0], int(steps[1])
			steps = steps[2:]
			ch := arg % len(records)
			r := records[ch]
			switch {
			case op < 200:
				s.now = s.now.Add(time.Duration(arg%2) * time.Millisecond) // some share theirs
				message := &realtime.Message{Publication: realtime.Publication{ID: fmt.Sprint(len(steps)), Data: make([]byte, int(op)*4), Time: s.now}}
				e := newEntry(message)
				m.publish(modelEntry{ch, e.At.Time, e.cost()})
				r.Append(message, s.now)
			case op < 215:
				s.now = s.now.Add(time.Duration(arg) * 40 * time.Millisecond)
			case op < 225:
				m.expire(ch, s.now.UnixMilli())
				r.Expire(s.now)
			case op < 235:
				for m.drop(func(e modelEntry) bool { return e.ch == ch }) {
				}
				r.Lose(s.now.UnixMilli())
			case op < 245:
				m.limit = base + 500 + arg*60
				obey()
				m.limit -= base
			default:
				m.window = 1 + arg%9
				m.limit += base
				obey()
				m.limit -= base
			}
			compareQuota(t, quota, m, records, base)
		}
	})
}

func compareQuota(t *testing.T, q *Quota, m *quotaModel, records []*Record, base int) {
	t.Helper()
	if got, want := q.used-base, m.used(); got != want {
		t.Fatalf("%d bytes are used, want %d", got, want)
	}
	for i, r := range records {
		var want, got []int64
		for _, e := range m.entries {
			if e.ch == i {
				want = append(want, e.at)
			}
		}
		for j := range r.Len() {
			got = append(got, r.At(j).At.Time)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("channel %d holds %v, want %v", i, got, want)
		}
	}
}

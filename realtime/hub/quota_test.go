package hub

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
		b := newTopicBench(t)
		m := &quotaModel{limit: 20_000, window: 6, age: 10 * time.Second}
		doc := func() *realtime.Tenant {
			return &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: m.limit}, Namespaces: map[string]realtime.Namespace{"*": {Window: m.window, WindowFor: realtime.Duration(m.age)}}}
		}
		b.serve(doc())
		names := make([]realtime.Channel, 12)
		for i := range names {
			names[i] = b.channel("acme", fmt.Sprintf("c:%d", i))
		}
		reader := b.connect("acme", "ann") // what is read stays, whatever it holds
		for _, name := range names {
			b.subscribe(reader, name)
		}
		base := b.g.quotas["acme"].used
		m.limit -= base
		for len(steps) >= 2 {
			op, arg := steps[0], int(steps[1])
			steps = steps[2:]
			ch := arg % len(names)
			state := b.g.channels[names[ch]]
			switch {
			case op < 200:
				b.now = b.now.Add(time.Duration(arg%2) * time.Millisecond) // some share theirs
				e := newEntry(&realtime.Message{Publication: realtime.Publication{ID: fmt.Sprint(len(steps)), Data: make([]byte, int(op)*4), Time: b.now}})
				m.publish(modelEntry{ch, e.at.Time, e.cost()})
				state.remember(e, b.now)
			case op < 215:
				b.now = b.now.Add(time.Duration(arg) * 40 * time.Millisecond)
			case op < 225:
				m.expire(ch, b.now.UnixMilli())
				state.expire(b.now)
			case op < 235:
				for m.drop(func(e modelEntry) bool { return e.ch == ch }) {
				}
				state.hole("skipped", b.now.UnixMilli(), b.now)
			case op < 245:
				m.limit = base + 500 + arg*60
				b.g.obey(doc())
				m.limit -= base
			default:
				m.window = 1 + arg%9
				m.limit += base
				b.g.obey(doc())
				m.limit -= base
			}
			compareQuota(t, b, m, names, base)
		}
	})
}

func compareQuota(t *testing.T, b *topicBench, m *quotaModel, names []realtime.Channel, base int) {
	t.Helper()
	if got, want := b.g.quotas["acme"].used-base, m.used(); got != want {
		t.Fatalf("%d bytes are used, want %d", got, want)
	}
	for i, name := range names {
		var want, got []int64
		for _, e := range m.entries {
			if e.ch == i {
				want = append(want, e.at)
			}
		}
		rec := &b.g.channels[name].rec
		for j := range rec.len() {
			got = append(got, rec.at(j).at.Time)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("channel %d holds %v, want %v", i, got, want)
		}
	}
}

// Events of many channels, each of which has one, take no more than they may: the oldest channels go with what they
// held, and the newest event is there.
func TestManyTinyChannelsAreBounded(t *testing.T) {
	t.Parallel()
	for name, stands := range map[string]bool{"records": true, "put aside": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTopicBench(t)
			const limit = 1 << 20
			b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			for i := range 20_000 {
				c, err := realtime.NewChannel("acme", fmt.Sprintf("c:%d", i))
				if err != nil {
					t.Fatal(err)
				}
				if stands {
					b.channel("acme", fmt.Sprintf("c:%d", i))
				}
				b.publish(c, []byte("1"))
				q := b.g.quotas["acme"]
				if q.used > limit || len(q.channels) > limit/channelOverhead || len(b.g.all) != len(b.g.channels) {
					t.Fatalf("after %d channels: %d bytes, %d channels", i, q.used, len(q.channels))
				}
				if ch := b.g.channels[c]; ch == nil || ch.rec.len()+len(ch.aside) != 1 {
					t.Fatalf("the newest event of %d is not there", i)
				}
			}
			// What was given up is not claimed to be complete.
			again := b.g.channel(func() realtime.Channel { c, _ := realtime.NewChannel("acme", "c:0"); return c }())
			again.stand(b.now.Add(time.Second).UnixMilli())
			if again.rec.completeSince(b.now.UnixMilli()) {
				t.Error("a channel that was given up claims to be complete")
			}
		})
	}
}

// While a topic is followed anew, the record that is built and the one that it is to replace
// together stay within what the tenant may use.
func TestQuotaHoldsForBothGenerations(t *testing.T) {
	t.Parallel()
	b := newTopicBench(t)
	const limit = 64 << 10
	b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
	data := make([]byte, 200)
	var names []realtime.Channel
	for i := range 10 {
		names = append(names, b.channel("acme", fmt.Sprintf("c:%d", i)))
	}
	for i := range 2000 {
		b.publish(names[i%len(names)], data)
	}
	b.subscribe(b.connect("acme", "ann"), names[0])
	b.g.quotas["acme"].fit(limit)
	old := b.g
	b.feed.mu.Lock()
	b.feed.replace(old, "fence")
	next := b.feed.next
	b.feed.mu.Unlock()
	<-b.followed
	next.phase, next.complete = caughtUp, b.now
	check := func(when string) {
		t.Helper()
		used := old.quotas["acme"].used
		if q := next.quotas["acme"]; q != nil {
			used += q.used
		}
		if used > limit {
			t.Fatalf("%s: both records use %d bytes of %d", when, used, limit)
		}
	}
	check("at once")
	b.g = next
	for i := range 2000 {
		b.publish(names[i%len(names)], data)
		check(fmt.Sprintf("message %d, put aside", i))
		if i == 1000 {
			for _, name := range names {
				next.channels[name].stand(b.now.Add(time.Duration(b.sent) * time.Microsecond).UnixMilli())
				check("a record stands")
			}
		}
	}
	if n := next.channels[names[0]].rec.len(); n == 0 {
		t.Error("the new record holds nothing")
	}
}

package retained_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/retained"
)

func channel(t testing.TB, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// request asks for a channel, and encodes events as their IDs.
func request(c realtime.Channel, q realtime.HistoryQuery) *history.Request {
	return &history.Request{Channel: c, Ask: history.Ask{HistoryQuery: q, Bytes: 1 << 20, Encode: func(p *realtime.Publication) []byte {
		return []byte(p.Position().String())
	}}}
}

func idsOf(t testing.TB, page *history.Page) (ids []string, ats []realtime.Position) {
	t.Helper()
	for _, e := range page.Entries {
		at, err := realtime.ParsePosition(string(e))
		if err != nil {
			t.Fatal(err)
		}
		ids, ats = append(ids, at.ID), append(ats, at)
	}
	return ids, ats
}

// counting counts the streams that are opened.
type counting struct {
	realtime.Broker
	opened atomic.Int64
}

func (c *counting) Follow(ctx context.Context, t realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	c.opened.Add(1)
	return c.Broker.Follow(ctx, t, f)
}

func publishAll(t testing.TB, p *publish.Publisher, doc *realtime.Tenant, c realtime.Channel, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := p.Publish(t.Context(), doc, []realtime.Publication{{Channel: c, ID: strconv.Itoa(i), Key: strconv.Itoa(i % 3), Data: []byte("1")}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Pages reach as far back as the rule of the namespace says, are read once for as long as they are asked for, and never say too much.
func TestPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &counting{Broker: memory.NewBroker(memory.BrokerOptions{Retention: 48 * time.Hour})}
		defer b.Close(context.Background())
		doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"long": {History: &realtime.History{Count: 40, For: realtime.Duration(24 * time.Hour)}}}}
		p := publish.New(b, publish.Options{})
		long, other := channel(t, "long:1"), channel(t, "long:2")
		for i := 1; i <= 60; i++ {
			publishAll(t, p, doc, long, i, i)
			publishAll(t, p, doc, other, i, i)
			time.Sleep(10 * time.Minute)
		}
		r := retained.New(retained.Options{Broker: b})
		defer r.Close(context.Background())
		page := func(q realtime.HistoryQuery) (ids []string, ats []realtime.Position, page *history.Page) {
			t.Helper()
			page, err := r.Page(t.Context(), doc, nil, request(long, q))
			if err != nil {
				t.Fatal(err)
			}
			ids, ats = idsOf(t, page)
			return ids, ats, page
		}
		ids, ats, got := page(realtime.HistoryQuery{Limit: 15})
		if fmt.Sprint(ids) != "[46 47 48 49 50 51 52 53 54 55 56 57 58 59 60]" || !got.More || !got.Complete {
			t.Errorf("the newest: %v, more %t, complete %t", ids, got.More, got.Complete)
		}
		opened := b.opened.Load()
		ids, ats, got = page(realtime.HistoryQuery{Limit: 15, Before: ats[0]})
		if fmt.Sprint(ids) != "[31 32 33 34 35 36 37 38 39 40 41 42 43 44 45]" || !got.More || !got.Complete {
			t.Errorf("before them: %v, more %t, complete %t", ids, got.More, got.Complete)
		}
		if ids, _, got = page(realtime.HistoryQuery{Limit: 15, Before: ats[0]}); fmt.Sprint(ids) != "[21 22 23 24 25 26 27 28 29 30]" || got.More || got.Complete {
			t.Errorf("the oldest of the 40: %v, more %t, complete %t", ids, got.More, got.Complete)
		}
		if n := b.opened.Load() - opened; n != 0 {
			t.Errorf("%d more streams for pages of what was read", n)
		}
		from := time.Now().Add(-95 * time.Minute).UnixMilli()
		if ids, _, got = page(realtime.HistoryQuery{From: from}); fmt.Sprint(ids) != "[52 53 54 55 56 57 58 59 60]" || got.More || !got.Complete {
			t.Errorf("by time: %v, more %t, complete %t", ids, got.More, got.Complete)
		}
		publishAll(t, p, doc, long, 61, 61)
		if ids, _, _ = page(realtime.HistoryQuery{Limit: 2}); fmt.Sprint(ids) != "[60 61]" {
			t.Errorf("what was just published is not there: %v", ids)
		}
		if ids, _, got = page(realtime.HistoryQuery{From: time.Now().Add(-30 * time.Hour).UnixMilli()}); got.Complete {
			t.Errorf("complete beyond the rule: %v", ids)
		}
		short, err := r.Page(t.Context(), doc, nil, request(channel(t, "none:1"), realtime.HistoryQuery{}))
		if err != nil || len(short.Entries) != 0 || short.Complete {
			t.Errorf("a channel never seen: %+v, %v", short, err)
		}
	})
}

// Many who ask for the same share a reading; those who are too many are told so.
func TestReadingsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := memory.NewBroker(memory.BrokerOptions{})
		b := &counting{Broker: faultybroker.New(inner, faultybroker.Options{LateReplay: 1, LateReplayWithin: 5 * time.Second})}
		defer inner.Close(context.Background())
		defer b.Close(context.Background())
		r := retained.New(retained.Options{Broker: b, Parallel: 1, Waiting: 3, Within: time.Minute})
		defer r.Close(context.Background())
		doc := &realtime.Tenant{ID: "acme"}
		var wg sync.WaitGroup
		var refused, failed atomic.Int64
		for i := range 50 {
			wg.Go(func() {
				_, err := r.Page(t.Context(), doc, nil, request(channel(t, "c"+strconv.Itoa(i%5)), realtime.HistoryQuery{}))
				switch {
				case realtime.CodeOf(err) == realtime.CodeLimited && err != nil:
					refused.Add(1)
				case err != nil:
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if refused.Load() == 0 || failed.Load() != 0 || b.opened.Load() > 10 {
			t.Errorf("%d refused, %d failed, %d streams", refused.Load(), failed.Load(), b.opened.Load())
		}
	})
}

// In a world where the broker misbehaves within its contract, a page has what was published, each once and in order, and complete is never wrong.
func TestProperty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { property(t, seed) })
		})
	}
}

// event is one of the plain list.
type event struct {
	id   string
	time int64
}

// list is everything that was stored, in order.
type list struct {
	realtime.Broker
	mu  sync.Mutex
	all []event
}

func (l *list) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	l.mu.Lock()
	var failed error
	l.Broker.Publish(ctx, topic, m, func(err error) { failed = err })
	if m.Kind == realtime.KindPublication && failed == nil && !slices.ContainsFunc(l.all, func(e event) bool { return e.id == m.ID }) {
		l.all = append(l.all, event{m.ID, time.Now().UnixMilli()})
	}
	l.mu.Unlock()
	done(failed)
}

func property(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 5))
	inner := memory.NewBroker(memory.BrokerOptions{Retention: time.Hour})
	stored := &list{Broker: inner}
	o := faultybroker.Rough(seed)
	o.LateReplayWithin, o.StallWithin = 10*time.Second, 4*time.Second
	b := faultybroker.New(stored, o)
	p := publish.New(b, publish.Options{Timeout: 5 * time.Second})
	r := retained.New(retained.Options{Broker: b, Within: time.Minute})
	doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"*": {History: &realtime.History{Count: 30 + random.IntN(100), For: realtime.Duration(20 * time.Minute)}}}}
	c := channel(t, "a")
	complete := 0
	for i := 0; i < 60; i++ {
		for range 1 + random.IntN(15) {
			i := strconv.Itoa(random.IntN(1 << 30))
			for range 5 {
				if p.Publish(t.Context(), doc, []realtime.Publication{{Channel: c, ID: i, Data: []byte("1")}}) == nil {
					break
				}
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Duration(random.IntN(60_000)) * time.Millisecond)
		stored.mu.Lock()
		before := len(stored.all)
		stored.mu.Unlock()
		q := realtime.HistoryQuery{Limit: 1 + random.IntN(60)}
		if random.IntN(2) == 0 {
			q.From = time.Now().Add(-time.Duration(random.IntN(1_300_000)) * time.Millisecond).UnixMilli()
		}
		page, err := r.Page(t.Context(), doc, nil, request(c, q))
		if err != nil {
			continue // it says so
		}
		ids, _ := idsOf(t, page)
		stored.mu.Lock()
		all := slices.Clone(stored.all)
		stored.mu.Unlock()
		at := -1
		if len(ids) > 0 {
			at = slices.IndexFunc(all, func(e event) bool { return e.id == ids[0] })
		}
		for n, id := range ids {
			if at < 0 || all[at+n].id != id {
				t.Fatalf("seed %d, %+v: %v is not a part of what was published", seed, q, ids)
			}
		}
		if !page.Complete {
			continue
		}
		complete++
		switch {
		case q.From != 0:
			first := slices.IndexFunc(all, func(e event) bool { return e.time >= q.From })
			if first >= 0 && first < before && at != first {
				t.Fatalf("seed %d, %+v: complete, and begins at %d, not %d", seed, q, at, first)
			}
			if !page.More && len(ids) > 0 && at+len(ids) < before {
				t.Fatalf("seed %d, %+v: complete and no more, and lacks the last %d", seed, q, before-at-len(ids))
			}
		case len(ids) > 0 && at+len(ids) < before:
			t.Fatalf("seed %d, %+v: the newest %d are missing", seed, q, before-at-len(ids))
		}
	}
	b.Calm()
	for _, close := range []func(context.Context) error{r.Close, b.Close, inner.Close} {
		if err := close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if complete == 0 {
		t.Error("nothing was complete: this proves little")
	}
}

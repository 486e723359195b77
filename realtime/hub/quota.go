package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// quota bounds the records of one tenant in one generation. Across its channels the oldest
// Publication goes first. While a generation replaces another, both count against the one
// bound, and the older record gives way. It is guarded by feed.mu.
type quota struct {
	g         *generation
	tenant    *realtime.Tenant
	limit     int
	used      int
	grown     int        // of used, by encodings since the lock was taken
	turn      uint64     // of the entry remembered last
	channels  []*channel // of the tenant in this generation
	oldest    ageHeap    // those that hold entries
	vacant    time.Time  // since when it has no channels
	forgotten int64      // newest entry ever evicted from a channel of the tenant that was removed, ms
	told      int        // bytes, as the gauge last had them
}

func newQuota(g *generation, tenant string) *quota {
	t := &realtime.Tenant{ID: tenant} // on a pooled topic, one that nobody here serves has default rules
	if r := g.feed.tenants[tenant]; r != nil {
		t = r.doc
	}
	return &quota{g: g, tenant: t, limit: t.Limits.WithDefaults().RecordBytes}
}

// took counts bytes of something published at ms, or 0; freed takes them back.
func (q *quota) took(n int, ms int64) {
	q.used += n
	q.g.feed.hub.o.Budget.Take(n, ms)
}

func (q *quota) freed(n int, ms int64) { q.took(-n, ms) }

// grew counts bytes that something of the records takes more than before, published at ms. What is too much is
// evicted once the lock is released: whoever encodes may be on the way through a record.
func (q *quota) grew(n int, ms int64) {
	q.took(n, ms)
	if n <= 0 {
		return
	}
	if f := q.g.feed; q.grown == 0 {
		f.grown = append(f.grown, q)
	}
	q.grown += n
}

// fitGrown evicts what has become too much.
func (f *feed) fitGrown() {
	for i, q := range f.grown {
		q.fit(q.grown)
		q.grown = 0
		f.grown[i] = nil
	}
	f.grown = f.grown[:0]
}

// twin is the tenant's quota in the other generation, nil if there is none.
func (q *quota) twin() *quota {
	f := q.g.feed
	switch {
	case f.next == nil:
		return nil
	case q.g == f.next:
		return f.current.quotas[q.tenant.ID]
	}
	return f.next.quotas[q.tenant.ID]
}

// all is what the tenant's records use.
func (q *quota) all() int {
	if twin := q.twin(); twin != nil {
		return q.used + twin.used
	}
	return q.used
}

// over reports whether the tenant's records are larger than they may be.
func (q *quota) over() bool { return q.all() > q.limit }

// tell sets the gauge, if it has changed.
func (q *quota) tell() {
	if all := q.all(); all != q.told {
		q.told = all
		q.g.feed.hub.count.Level(realtime.GaugeRecordBytes, q.tenant.ID, all)
	}
}

// evictAtOnce is how many entries one publication evicts, unless more of them are needed for its
// own size. More are there only after a limit was lowered, and then the next ones go on.
const evictAtOnce = mostSteps

// fit evicts the tenant's oldest entries until its records are as large as they may be, after some
// bytes were added. What the older generation holds goes first, since the newer one has it too or
// will.
func (q *quota) fit(added int) {
	freed := 0
	for _, g := range q.g.feed.generations() {
		from := g.quotas[q.tenant.ID]
		for n := 0; from != nil && (n < evictAtOnce || freed < 2*added) && len(from.oldest) > 0 && q.over(); n++ {
			if ch := from.oldest.first(); ch != nil {
				freed += ch.giveWay()
			}
		}
	}
	// What makes the process run short gives room itself, until the Hub has found the oldest of all tenants.
	for n := 0; freed < 2*added && n < evictAtOnce && len(q.oldest) > 0 && q.g.feed.hub.o.Budget.Over(); n++ {
		if ch := q.oldest.first(); ch != nil {
			freed += ch.giveWay()
		}
	}
}

// giveWay forgets the oldest that the channel holds, or half of what is put aside, since that has to be
// sorted for it; and the channel itself if that was all. It returns how many bytes less are used.
func (ch *channel) giveWay() int {
	q := ch.quota
	before := q.used
	if ch.rec.len() > 0 {
		ch.evict("memory")
	} else {
		ch.trimAside(len(ch.aside))
	}
	if ch.unused() {
		ch.g.remove(ch)
	}
	return before - q.used
}

// cutRecord forgets all entries: something is missing before the moment.
func (ch *channel) cutRecord(since time.Time) {
	// One by one, for the budget keeps them by their times.
	for ch.rec.len() > 0 {
		ms := ch.rec.at(0).at.Time
		ch.quota.freed(ch.rec.evict(), ms)
	}
	ch.rec.cut(since)
}

// evict forgets the oldest entry of the channel's record.
func (ch *channel) evict(why string) {
	ms := ch.rec.at(0).at.Time
	ch.quota.freed(ch.rec.evict(), ms)
	ch.g.feed.steps++
	ch.g.feed.hub.count.Add(realtime.CountEvictions, ch.name.Tenant(), why, 1)
}

// remember appends an entry to the channel's record and evicts what is too much.
func (ch *channel) remember(e entry, now time.Time) {
	q := ch.quota
	q.turn++
	e.turn = q.turn
	ch.rec.append(e)
	q.took(e.cost(), e.at.Time)
	q.oldest.add(ch)
	for n := 0; n < evictAtOnce && ch.rec.len() > ch.rules.Window; n++ { // more than one after its rules have changed
		ch.evict("count")
	}
	ch.expire(now)
	q.fit(e.cost())
}

// expire evicts what is older than the channel's window.
func (ch *channel) expire(now time.Time) {
	oldest := now.Add(-time.Duration(ch.rules.WindowFor)).UnixMilli()
	for n := 0; n < evictAtOnce && ch.rec.len() > 0 && ch.rec.at(0).at.Time < oldest; n++ {
		ch.evict("age")
	}
}

package record

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// Quota bounds the records of one tenant in one Set. Across its channels the oldest
// Publication goes first. While a Set replaces another, both count against the one
// bound, and the older record gives way.
type Quota struct {
	set       *Set
	tenant    *realtime.Tenant
	limit     int
	used      int
	grown     int       // of used, by encodings since FitGrown
	aside     int       // of used, by what waits for readers besides the records
	turn      uint64    // of the entry remembered last
	records   []*Record // of the tenant in this Set
	oldest    byAge     // those that hold something
	vacant    time.Time // since when it has no records
	forgotten int64     // newest entry ever evicted from a record of the tenant that was removed, ms
	told      int       // bytes, as Changed last returned them
}

// byAge orders the records that hold something by the turn of their oldest, so that
// to find the oldest entry of all takes no more than the logarithm of the number of channels,
// whatever they hold. To remember an entry, and to evict one for its channel's own sake, touches
// it only when the record was empty: turns only grow within a record, so one in the heap is
// never too high, and one that is too low is mended at the front.
type byAge = heap.Heap[uint64, *Record]

func newQuota(s *Set, t *realtime.Tenant) *Quota {
	q := &Quota{set: s, oldest: byAge{Less: func(a, b uint64) bool { return a < b }, Place: func(r *Record) *int { return &r.place }}}
	q.Obey(t)
	return q
}

// Obey puts a tenant's document in force: the bound of its records. Their rules are for Record.Obey.
func (q *Quota) Obey(t *realtime.Tenant) {
	q.tenant, q.limit = t, t.Limits.WithDefaults().RecordBytes
}

// Tenant returns the document in force.
func (q *Quota) Tenant() *realtime.Tenant { return q.tenant }

// Records returns the tenant's records in the Set. It is good until one is opened or removed.
func (q *Quota) Records() []*Record { return q.records }

// Used is what the tenant's records in the Set take, in bytes.
func (q *Quota) Used() int { return q.used }

// took counts bytes of something published at ms, or 0; freed takes them back.
func (q *Quota) took(n int, ms int64) {
	q.used += n
	q.set.o.Budget.Take(n, ms)
}

func (q *Quota) freed(n int, ms int64) { q.took(-n, ms) }

// freedMessage takes back what a buffered message takes.
func (q *Quota) freedMessage(m *realtime.Message) { q.freed(bufferedCost(m), m.Time.UnixMilli()) }

// holds sees to it that a record is among those that hold something.
func (q *Quota) holds(r *Record) {
	if r.place == 0 {
		turn, _ := r.oldest()
		q.oldest.Set(r, turn)
	}
}

// grew counts bytes that something of the records takes more than before, published at ms. What is too much is
// evicted by FitGrown: whoever encodes may be on the way through a record.
func (q *Quota) grew(n int, ms int64) {
	q.took(n, ms)
	if n <= 0 {
		return
	}
	if q.grown == 0 {
		q.set.grown = append(q.set.grown, q)
	}
	q.grown += n
}

// Aside counts what waits for readers of a tenant besides its records, in bytes: it counts as these do.
func Aside(q *Quota, n int) {
	q.aside += n
	q.grew(n, 0)
}

// Crowded reports whether what waits besides the records takes more than half of the Quota, and something of so many bytes as much of that as
// the others do on the average.
func Crowded(q *Quota, bytes int) bool {
	return 2*q.aside > q.limit && bytes*len(q.records) >= q.aside
}

// in is the tenant's quota in another Set, nil if there is none.
func (q *Quota) in(s *Set) *Quota {
	if s == nil {
		return nil
	}
	return s.quotas[q.tenant.ID]
}

// all is what the tenant's records take in both Sets.
func (q *Quota) all() int {
	all := q.used
	if older := q.in(q.set.older); older != nil {
		all += older.used
	}
	if newer := q.in(q.set.newer); newer != nil {
		all += newer.used
	}
	return all
}

// over reports whether the tenant's records are larger than they may be.
func (q *Quota) over() bool { return q.all() > q.limit }

// Changed returns what the tenant's records take, and whether that has changed since the last call.
func (q *Quota) Changed() (bytes int, changed bool) {
	all := q.all()
	changed = all != q.told
	q.told = all
	return all, changed
}

// evictAtOnce is how many entries one publication evicts, unless more of them are needed for its
// own size. More are there only after a limit was lowered, and then the next ones go on.
const evictAtOnce = 256

// fit evicts the tenant's oldest entries until its records are as large as they may be, after some
// bytes were added. What the older Set holds goes first, since the newer one has it too or
// will.
func (q *Quota) fit(added int) {
	freed := 0
	for _, part := range [...]*Quota{q.in(q.set.older), q, q.in(q.set.newer)} {
		for n := 0; part != nil && (n < evictAtOnce || freed < 2*added) && part.oldest.Len() > 0 && q.over(); n++ {
			freed += part.giveWay()
		}
	}
	// What makes the process run short gives room itself, until the oldest of all tenants has been found.
	for n := 0; freed < 2*added && n < evictAtOnce && q.oldest.Len() > 0 && q.set.o.Budget.Over(); n++ {
		freed += q.giveWay()
	}
}

// giveWay gives up the oldest entry of all, or, of a record that is not made, half of what is buffered, since that has to be
// sorted for it. Or it takes a step towards it: what has been evicted otherwise is seen only when it comes to the front. It returns
// how many bytes less are used.
func (q *Quota) giveWay() (freed int) {
	known, r := q.oldest.First()
	turn, holds := r.oldest()
	switch {
	case !holds:
		q.oldest.Remove(r)
		return 0
	case turn > known:
		q.oldest.Set(r, turn)
		return 0
	}
	before := q.used
	if r.Len() > 0 {
		r.evict(realtime.ReasonMemory)
	} else {
		r.trim(len(r.buffer.messages))
	}
	if r.Empty() && !r.making {
		q.set.o.Owner.Emptied(r.name)
	}
	return before - q.used
}

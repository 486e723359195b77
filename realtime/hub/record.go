package hub

import (
	"sort"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What a record costs besides the bytes of its events, as TestRecordsSayWhatTheyTake measures it.
const (
	entryOverhead    = 240 // of an entry
	encodingOverhead = 48  // of each encoding of it but the first
	asideOverhead    = 512 // of a message that is put aside
	channelOverhead  = 880 // of a channel, also of one that holds nothing
)

// record is what a channel remembers: its newest Publications in order, and since when that
// is all there was. It is guarded by feed.mu.
type record struct {
	entries []entry // entries[head:], in order; publish times never decrease
	head    int
	first   uint64 // number of entries[head] since the channel began
	// since is the moment from which nothing is missing, not counting what was evicted.
	since time.Time
	// evicted is the newest Publication that was evicted or cut off, zero if none.
	evicted realtime.Position
	// skew is by how much the time of a Publication may differ from what another record says, ms.
	skew int64
}

func (r *record) len() int        { return len(r.entries) - r.head }
func (r *record) at(i int) *entry { return &r.entries[r.head+i] }

// last returns the newest Position there was, zero if none is known.
func (r *record) last() realtime.Position {
	if r.len() == 0 {
		return r.evicted
	}
	return r.at(r.len() - 1).at
}

func (r *record) append(e entry) { r.entries = append(r.entries, e) }

// numbered returns the entry of a number, counted since the channel began; nil if it has been evicted. It is good
// until the record changes.
func (r *record) numbered(number uint64) *entry {
	if number < r.first || number >= r.first+uint64(r.len()) {
		return nil
	}
	return r.at(int(number - r.first))
}

// evict forgets the oldest entry and returns what it cost.
func (r *record) evict() int {
	e := r.at(0)
	cost := e.cost()
	r.evicted = e.at
	*e = entry{}
	r.head++
	r.first++
	switch n := r.len(); {
	case n == 0:
		r.entries, r.head = nil, 0
	case r.head > 32 && r.head > len(r.entries)/2:
		if cap(r.entries) > 4*n { // a quiet channel need not keep the room of a busy one
			r.entries, r.head = append(make([]entry, 0, 2*n), r.entries[r.head:]...), 0
			break
		}
		copy(r.entries, r.entries[r.head:])
		clear(r.entries[n:])
		r.entries, r.head = r.entries[:n], 0
	}
	return cost
}

// cut forgets everything: something is missing before the moment, and nobody
// resumes across it, nor across what was evicted.
func (r *record) cut(since time.Time) {
	for r.len() > 0 {
		r.evict()
	}
	ms := max(since.UnixMilli(), r.since.UnixMilli(), r.evicted.Time+1)
	r.evicted, r.since = realtime.Position{}, time.UnixMilli(ms)
}

// after returns the index of the first entry later than a moment.
func (r *record) after(ms int64) int {
	return sort.Search(r.len(), func(i int) bool { return r.at(i).at.Time > ms })
}

// find returns the index behind the entry of this Position.
func (r *record) find(p realtime.Position) (int, bool) {
	if p.ID == "" {
		return 0, false
	}
	for i := r.after(p.Time - r.skew - 1); i < r.len() && r.at(i).at.Time <= p.Time+r.skew; i++ {
		if r.at(i).at.ID == p.ID {
			return i + 1, true
		}
	}
	near := p.Time >= r.evicted.Time-r.skew && p.Time <= r.evicted.Time+r.skew
	return 0, near && r.evicted.ID == p.ID // all that is left comes after it
}

// completeSince reports whether nothing later than the moment is missing.
func (r *record) completeSince(ms int64) bool {
	return ms >= r.since.UnixMilli() && (r.evicted.IsZero() || ms > r.evicted.Time)
}

// resume returns the index from which a reader at p goes on, by the first of
// these that holds: its Publication is in the record; the record is complete
// since before its moment; it is complete since before asOf, up to which the
// reader has had everything. Otherwise ok is false: something may be missing.
func (r *record) resume(p realtime.Position, asOf int64) (from int, ok bool) {
	if i, found := r.find(p); found {
		return i, true
	}
	moment := p.Time
	if p.ID != "" {
		moment -= r.skew
	}
	if r.completeSince(moment) || asOf > p.Time && r.completeSince(asOf) {
		return r.after(moment), true
	}
	return r.len(), false
}

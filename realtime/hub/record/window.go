package record

import (
	"sort"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What a record costs besides the bytes of its events, as TestRecordsSayWhatTheyTake measures it.
const (
	entryOverhead    = 240  // of an entry
	encodingOverhead = 48   // of each encoding of it but the first
	bufferedOverhead = 540  // of a message that is buffered
	channelOverhead  = 1200 // of a channel, also of one that holds nothing
)

// Window is what a record holds once it is made: the newest Publications of its channel in order, and since when that
// is all there was.
type Window struct {
	entries []Entry // entries[head:], in order; publish times never decrease
	head    int
	first   uint64 // number of entries[head] since the channel began
	// since is the moment from which nothing is missing, not counting what was evicted.
	since time.Time
	// evicted is the newest Publication that was evicted or cut off, zero if none.
	evicted realtime.Position
	// skew is by how much the time of a Publication may differ from what another record says, ms.
	skew int64
}

// Len is how many entries there are.
func (w *Window) Len() int { return len(w.entries) - w.head }

// At returns one of them, from the oldest on. It is good until the record changes.
func (w *Window) At(i int) *Entry { return &w.entries[w.head+i] }

// First is the number of the entry that At(0) returns, counted since the record was made; of an empty window, that of the next.
func (w *Window) First() uint64 { return w.first }

// Next is the number of the entry that comes next.
func (w *Window) Next() uint64 { return w.first + uint64(w.Len()) }

// Evicted is the newest Publication that was evicted or cut off, zero if none.
func (w *Window) Evicted() realtime.Position { return w.evicted }

// Since is the moment from which nothing is missing, but for what was evicted, ms.
func (w *Window) Since() int64 { return w.since.UnixMilli() }

// Settled is the moment from which nothing is missing between entries, whichever of several publishers' times they have, ms.
func (w *Window) Settled() int64 { return w.Since() + w.skew }

// Skew is by how much the time of a Publication may differ from what another record says, ms.
func (w *Window) Skew() int64 { return w.skew }

// BeginAt says that what is earlier than a moment did not come through this topic.
func (w *Window) BeginAt(t time.Time) {
	if w.since.Before(t) {
		w.since = t
	}
}

// last returns the newest Position there was, zero if none is known.
func (w *Window) last() realtime.Position {
	if w.Len() == 0 {
		return w.evicted
	}
	return w.At(w.Len() - 1).At
}

func (w *Window) append(e Entry) { w.entries = append(w.entries, e) }

// Numbered returns the Entry of a number, counted since the channel began; nil if it has been evicted. It is good
// until the record changes.
func (w *Window) Numbered(number uint64) *Entry {
	if number < w.first || number >= w.first+uint64(w.Len()) {
		return nil
	}
	return w.At(int(number - w.first))
}

// dropFirst evicts the oldest entry and returns what it cost.
func (w *Window) dropFirst() int {
	e := w.At(0)
	cost := e.cost()
	w.evicted = e.At
	*e = Entry{}
	w.head++
	w.first++
	switch n := w.Len(); {
	case n == 0:
		w.entries, w.head = nil, 0
	case w.head > 32 && w.head > len(w.entries)/2:
		if cap(w.entries) > 4*n { // a quiet channel need not keep the room of a busy one
			w.entries, w.head = append(make([]Entry, 0, 2*n), w.entries[w.head:]...), 0
			break
		}
		copy(w.entries, w.entries[w.head:])
		clear(w.entries[n:])
		w.entries, w.head = w.entries[:n], 0
	}
	return cost
}

// cut forgets everything: something is missing before the moment, and nobody
// resumes across it, nor across what was evicted.
func (w *Window) cut(since time.Time) {
	for w.Len() > 0 {
		w.dropFirst()
	}
	ms := max(since.UnixMilli(), w.since.UnixMilli(), w.evicted.Time+1)
	w.evicted, w.since = realtime.Position{}, time.UnixMilli(ms)
}

// After returns the index of the first entry later than a moment.
func (w *Window) After(ms int64) int {
	return sort.Search(w.Len(), func(i int) bool { return w.At(i).At.Time > ms })
}

// Find returns the index behind the Entry of this Position.
func (w *Window) Find(p realtime.Position) (int, bool) {
	if p.ID == "" {
		return 0, false
	}
	for i := w.After(p.Time - w.skew - 1); i < w.Len() && w.At(i).At.Time <= p.Time+w.skew; i++ {
		if w.At(i).At.ID == p.ID {
			return i + 1, true
		}
	}
	near := p.Time >= w.evicted.Time-w.skew && p.Time <= w.evicted.Time+w.skew
	return 0, near && w.evicted.ID == p.ID // all that is left comes after it
}

// CompleteSince reports whether nothing later than the moment is missing.
func (w *Window) CompleteSince(ms int64) bool {
	return ms >= w.since.UnixMilli() && (w.evicted.IsZero() || ms > w.evicted.Time)
}

// Resume returns the index from which a reader at p goes on, by the first of
// these that holds: its Publication is in the record; the record is complete
// since before its moment; it is complete since before asOf, up to which the
// reader has had everything. Otherwise ok is false: something may be missing.
func (w *Window) Resume(p realtime.Position, asOf int64) (from int, ok bool) {
	// What is older than the moment from which the record has the first copy of each may be a second copy. A reader that has had all up to
	// then has had the first one.
	had := 0
	if asOf > p.Time {
		had = w.After(min(asOf, w.Since()-1))
	}
	if i, found := w.Find(p); found {
		return max(i, had), true
	}
	moment := p.Time
	if p.ID != "" {
		moment -= w.skew
	}
	if w.CompleteSince(moment) || asOf > p.Time && w.CompleteSince(asOf) {
		return max(w.After(moment), had), true
	}
	return w.Len(), false
}

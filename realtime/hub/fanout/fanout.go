// Package fanout says whom of a channel's readers what has come is given next: a part of them at a time, so that the channels of a topic need not
// wait for one that has very many. What comes for a channel meanwhile waits behind it, in order; what comes for other channels does not.
package fanout

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Entry is an entry of a record on its way to the readers of its channel.
type Entry struct {
	record.Entry
	Number   uint64 // in the record
	Bytes    int    // of its data
	Trace    string // if a Tracer follows it
	Received time.Time
}

// Fan is what is on its way to the readers of one channel. The zero Fan is empty. Its owner guards it, with the lanes and the record.
type Fan[R lane.Reader[R]] struct {
	Readers int // that have been given the first Entry
	Lost    int // what their queues have let go for it

	waiting []Entry          // in order; the first may have been given to some
	begun   bool             // it has
	lanes   []lane.Choice[R] // that are shown something of it
	at      int              // the lane whose readers are given it next
}

// Len is how many Entries there are that have not been given to all.
func (f *Fan[R]) Len() int { return len(f.waiting) }

// First is the Entry that is given next. It is good until one is added.
func (f *Fan[R]) First() *Entry { return &f.waiting[0] }

// Add puts an Entry behind the others.
func (f *Fan[R]) Add(e *Entry) { f.waiting = append(f.waiting, *e) }

// Begun reports whether it is known who is shown the first Entry.
func (f *Fan[R]) Begun() bool { return f.begun }

// Begin asks who is shown it. panicked is told of readers about whose View nobody knows, because asking it has panicked.
func (f *Fan[R]) Begin(lanes *lane.Lanes[R], rec *record.Record, panicked func(r R, fault any)) {
	f.begun = true
	shown, kept := f.shown(rec)
	if len(lanes.Plain.Readers) > 0 {
		f.lanes = append(f.lanes, lane.Choice[R]{Lane: &lanes.Plain, Pass: rec.Visible(shown, nil, kept)})
	}
	if lanes.Divided() {
		look := record.LookAt(rec, shown, kept)
		f.lanes = lanes.Choose(f.lanes, &look, panicked)
		look.Done()
	}
	for _, c := range f.lanes {
		c.Lane.Begin()
	}
}

// shown is the first Entry where it is now: in the record, where its encodings are there for those who come later, or no more.
func (f *Fan[R]) shown(rec *record.Record) (e *record.Entry, kept bool) {
	first := f.First()
	if have := rec.Numbered(first.Number); have != nil {
		return have, true
	}
	return &first.Entry, false
}

// Part returns the next readers of the first Entry, so many at most, and what they are shown of it; none if all have been given it. It is good
// until readers come or go, or the record changes.
func (f *Fan[R]) Part(rec *record.Record, most int) (readers []R, pass *record.Pass) {
	for ; f.at < len(f.lanes); f.at++ {
		c := &f.lanes[f.at]
		if readers = c.Lane.Part(most); len(readers) > 0 {
			c.Pass.Again(f.shown(rec))
			return readers, &c.Pass
		}
	}
	return nil, nil
}

// Pause keeps what has been made of the first Entry, which the record may give up before it goes on.
func (f *Fan[R]) Pause(rec *record.Record) {
	if len(f.waiting) == 0 || !f.begun {
		return
	}
	if have := rec.Numbered(f.First().Number); have != nil {
		f.First().Entry = *have
	}
}

// Next takes out the first Entry.
func (f *Fan[R]) Next() {
	n := len(f.waiting)
	copy(f.waiting, f.waiting[1:])
	f.waiting[n-1] = Entry{}
	clear(f.lanes)
	*f = Fan[R]{waiting: f.waiting[:n-1], lanes: f.lanes[:0]}
}

// Oldest is the publish time of the first Entry, in ms.
func (f *Fan[R]) Oldest() int64 { return f.waiting[0].At.Time }

// Part bounds how many readers are given something before others have the lock, which is about 0.1 ms, and MostWaiting and MostBytes what is taken in while it waits: half a
// burst, since a client may be given all of that and a burst besides before it was its turn to be written to.
const (
	Part        = 1024
	MostWaiting = realtime.BurstMessages / 2
	MostBytes   = realtime.BurstBytes / 2
)

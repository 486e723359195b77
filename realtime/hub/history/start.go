package history

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Start looks for where in a record a subscription begins that rewinds: from the newest entry back. It is used under the lock that guards
// the record.
type Start struct {
	rec    *record.Record
	view   *view.View
	rewind realtime.Rewind
	cutoff int64 // of a rewind by age: what was published then or later is wanted, ms

	end   uint64 // number behind the newest entry that is wanted
	next  uint64 // from here to end everything has been looked at
	count int    // of that, what is shown
	// marks are where each step began, so that what is evicted meanwhile can be taken back.
	marks []mark
}

// mark says how much is shown from a number to the end.
type mark struct {
	number uint64
	count  int
}

// NewStart returns a Start in a record that is made. now is the moment from which a rewind by age counts.
func NewStart(rec *record.Record, v *view.View, w realtime.Rewind, now time.Time) *Start {
	s := &Start{rec: rec, view: v, rewind: w, end: rec.Next()}
	if w.For != 0 {
		s.cutoff = now.Add(-w.For).UnixMilli()
	}
	s.next = s.end
	return s
}

// Of reports whether the Start is in a record, for readers with a View.
func (s *Start) Of(rec *record.Record, v *view.View) bool {
	return s != nil && s.rec == rec && s.view.ID() == v.ID()
}

// Look looks at entries until tired says that it is enough. It reports whether it has seen all that it needs; then Found is good until
// the record changes.
func (s *Start) Look(tired func() bool) (done bool) {
	s.takeBack()
	low := s.lowest()
	if !s.view.Filtered() {
		s.next = low
		if s.rewind.Count != 0 && s.end-low > uint64(s.rewind.Count) {
			s.next = s.end - uint64(s.rewind.Count)
		}
		s.count = int(s.end - s.next)
		return true
	}
	s.marks = append(s.marks, mark{s.next, s.count})
	for s.next > low && (s.rewind.Count == 0 || s.count < s.rewind.Count) {
		if tired() {
			return false
		}
		s.next--
		if pass := s.rec.Visible(s.rec.Numbered(s.next), s.view, true); pass.Shown() {
			s.count++
		}
	}
	return true
}

// takeBack forgets of what has been looked at what is not there any more.
func (s *Start) takeBack() {
	first := s.rec.First()
	for s.next < first {
		if len(s.marks) == 0 { // not even what was the newest is
			s.next, s.end, s.count = first, max(s.end, first), 0
			return
		}
		last := s.marks[len(s.marks)-1]
		s.marks = s.marks[:len(s.marks)-1]
		s.next, s.count = last.number, last.count
	}
}

// lowest is the number of the oldest entry that may be wanted: nothing is told of what is older than the moment from which the record
// lacks nothing.
func (s *Start) lowest() uint64 {
	i := s.rec.After(max(s.cutoff, s.rec.Since()) - 1)
	return min(s.rec.First()+uint64(i), s.end)
}

// Found is where a subscription begins.
type Found struct {
	From     int               // index in the record of the first entry that it is given
	Count    int               // what it is shown of what was there
	Complete bool              // that is all it asked for
	Position realtime.Position // where its client stands before
	Until    uint64            // the number behind what was there
}

// Found returns what Look has found.
func (s *Start) Found() Found {
	rec := s.rec
	f := Found{From: int(s.next - rec.First()), Count: s.count, Until: s.end}
	if s.rewind.For != 0 {
		f.Complete = rec.CompleteSince(s.cutoff - 1)
	} else {
		f.Complete = s.count == s.rewind.Count && rec.At(f.From).At.Time >= rec.Settled()
	}
	switch {
	case f.From > 0:
		f.Position = rec.At(f.From - 1).At
	case !rec.Evicted().IsZero():
		f.Position = rec.Evicted()
	case rec.Len() > 0: // all that the record has
		f.Position = realtime.Position{Time: max(min(rec.Since(), rec.At(0).At.Time-1), 1)}
	default:
		f.Position = rec.Position()
	}
	return f
}

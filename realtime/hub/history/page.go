package history

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Ask says what a page is to have.
type Ask struct {
	realtime.HistoryQuery
	View *view.View
	// Encode returns what a viewer is shown of a Publication, which is good until it returns. A page has at most Bytes of that, but one
	// Publication at least.
	Encode func(*realtime.Publication) []byte
	Bytes  int
}

// Request asks for a page of a channel.
type Request struct {
	Channel realtime.Channel
	Ask
	// Filter and Fields are as in a subscribe.
	Filter string
	Fields []string
}

// Page is a page of what was published to a channel, as far as a record has it. It is made under the lock that guards the record.
type Page struct {
	// Entries are what Encode has returned, the oldest first.
	Entries [][]byte
	// More says that the record has more on that side on which the next page is.
	More bool
	// Complete says that nothing of the range is missing up to the end of the page, and without More nothing of the range at all.
	Complete bool

	ask       *Ask
	rec       *record.Record
	low, high uint64 // of what is left to be looked at, the first number and the one behind the last
	covered   bool   // nothing is missing between the lower bound and what the record has
	bytes     int
}

// NewPage begins a page of a record that is made.
func NewPage(rec *record.Record, ask *Ask) *Page {
	p := &Page{ask: ask, rec: rec}
	oldest := rec.After(rec.Since() - 1) // nothing is told of what is older: it may lack something
	from, covered := lower(rec, &ask.HistoryQuery)
	if from < oldest {
		from, covered = oldest, false
	}
	p.covered = covered
	p.low = rec.First() + uint64(from)
	p.high = max(rec.First()+uint64(upper(rec, &ask.HistoryQuery)), p.low)
	return p
}

// lower returns the index of the first entry in the range, and whether nothing before that is missing.
func lower(rec *record.Record, q *realtime.HistoryQuery) (from int, covered bool) {
	switch {
	case !q.After.IsZero():
		if from, covered = rec.Resume(q.After, 0); !covered {
			return rec.After(q.After.Time - rec.Skew()), false
		}
		return from, true
	case q.From != 0:
		return rec.After(q.From - 1), rec.CompleteSince(q.From - 1)
	}
	return 0, false // there may always have been more
}

// upper returns the index behind the last entry in the range.
func upper(rec *record.Record, q *realtime.HistoryQuery) int {
	switch {
	case !q.Before.IsZero():
		if behind, found := rec.Find(q.Before); found {
			return max(behind-1, 0)
		}
		if q.Before.ID == "" {
			return rec.After(q.Before.Time)
		}
		return rec.After(q.Before.Time + rec.Skew()) // rather one again than one too few
	case q.To != 0:
		return rec.After(q.To - 1)
	}
	return rec.Len()
}

// Look looks at entries until tired says that it is enough. It reports whether the page is made.
func (p *Page) Look(tired func() bool) (done bool) {
	forward := p.ask.Forward()
	if p.takeBack(forward) {
		return p.end()
	}
	for p.low < p.high {
		if len(p.Entries) == p.ask.Most() {
			p.More = true
			return p.end()
		}
		if tired() {
			return false
		}
		number := p.high - 1
		if forward {
			number = p.low
		}
		if full := p.add(number); full {
			p.More = true
			return p.end()
		}
		if forward {
			p.low++
		} else {
			p.high--
		}
	}
	return p.end()
}

// takeBack is told of what has gone from the record since the last step. It reports whether the page has to end here.
func (p *Page) takeBack(forward bool) (ends bool) {
	first := p.rec.First()
	if p.low >= first {
		return false
	}
	p.low, p.high = first, max(p.high, first)
	if forward && len(p.Entries) > 0 {
		p.More = true // the next page says that something is missing
		return true
	}
	p.covered = false
	return false
}

// add puts an entry into the page, if it is shown. It is full if there is no room for it.
func (p *Page) add(number uint64) (full bool) {
	pass := p.rec.Visible(p.rec.Numbered(number), p.ask.View, true)
	if !pass.Shown() {
		return false
	}
	var shown []byte
	pass.Show(func(e *realtime.Publication) { shown = p.ask.Encode(e) })
	if len(p.Entries) > 0 && p.bytes+len(shown) > p.ask.Bytes {
		return true
	}
	p.bytes += len(shown)
	p.Entries = append(p.Entries, shown)
	return false
}

func (p *Page) end() (done bool) {
	if forward := p.ask.Forward(); !forward {
		slices.Reverse(p.Entries)
		p.Complete = p.More || p.covered
	} else {
		p.Complete = p.covered
	}
	return true
}

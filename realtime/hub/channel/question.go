package channel

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Request asks for a channel.
type Request struct {
	// ID is what the client calls its request; the answer carries it. It is the protocol's own, and may be empty.
	ID      string
	Channel realtime.Channel
	// Since is where the client stands; zero reads from now on, an unusable one is answered with a gap.
	Since realtime.Position
	// AsOf is the newest asOf the client was told on the connection on which it last read
	// the channel, in milliseconds; 0 if it was told none.
	AsOf int64
	// Sub is what the client calls the subscription, to tell it apart from others to the channel; empty if it does not.
	Sub string
	// Roams says that the subscription has come by a pattern: it ends by itself when there is nothing more to be known of the channel.
	Roams bool
	// Quiet says that the client does not wait for an answer: it is told only if something is missing.
	Quiet bool
	// Begins is from when on a reader that has had nothing before is to have everything, ms; 0 is from its answer on.
	Begins int64
	Want
	// State asks for the state of the channel before what changes. View is by which view the client was shown what it has of it (view.View.Digest).
	State bool
	View  string
}

// Want is how a client wants a channel.
type Want struct {
	// Filter is what it wants to see only; empty is everything. Fields are the members of data that it wants; nil is all.
	Filter string
	Fields []string
	// Keys are those that it wants, each a name or the beginning of one and "*"; nil is all.
	Keys []string
	// MaxRate is how many flushes a second it wants at most; 0 is without bound. Paused wants none.
	MaxRate float64
	Paused  bool
	// Occupancy wants to be told how many read the channel.
	Occupancy bool
}

// Plain reports whether all is wanted, at once.
func (w *Want) Plain() bool {
	return w.Filter == "" && w.Fields == nil && w.Keys == nil && w.MaxRate == 0 && !w.Paused && !w.Occupancy
}

// disbelieve drops what nobody can have been told: moments later than newest, in milliseconds, which is later than
// everything that was published before the question. A Position that is unusable leaves nothing for AsOf to vouch for.
func (r *Request) disbelieve(newest int64) {
	if r.Since.Time > newest {
		r.Since = realtime.UnusablePosition()
	}
	if r.AsOf > newest || !r.Since.IsUsable() {
		r.AsOf = 0
	}
}

// Question is a subscribe that waits for an answer.
type Question struct {
	Request Request
	Reader  *Reader
	Asked   time.Time
	// Refused is told instead of the client if the question is refused; nil: the client is.
	Refused func(*realtime.Error)

	m              *Machine // where it waits
	before, behind *Question
}

// In reports whether the question waits in a Set.
func (q *Question) In(s *Set) bool { return q.m != nil && q.m.set == s }

// Withdraw takes back a question, and ends its Reader. It is false if it was answered meanwhile.
func (q *Question) Withdraw() bool {
	r := q.Reader
	if r.question != q {
		return false
	}
	r.question = nil
	r.state = Gone
	if q.m != nil {
		withdraw(q.m)
	}
	return true
}

// withdraw forgets a question that a channel will not answer. The slices
// that hold it are looked through when half of them may be such.
func withdraw(m *Machine) {
	m.stale++
	waiting := len(m.waiting)
	if m.fence != nil {
		waiting += len(m.fence.questions)
	}
	if m.stale < 8 || 2*m.stale < waiting {
		return
	}
	m.stale = 0
	m.set.fx.Steps += waiting
	gone := func(q *Question) bool { return q.Reader.question != q || q.m != m }
	m.waiting = slices.DeleteFunc(m.waiting, gone)
	if m.fence != nil {
		m.fence.questions = slices.DeleteFunc(m.fence.questions, gone)
	}
}

// Questions are those of a topic that wait, in the order they were asked, so that
// those that have waited too long are found without a look at the others.
type Questions struct {
	first, last *Question
	// unplaced is the first of those that may wait in a Set that is being replaced; all
	// before it have been placed in the next.
	unplaced *Question
}

// First returns the one that was asked first, nil if there is none.
func (l *Questions) First() *Question { return l.first }

// Unplaced returns the first of those that are to wait elsewhere, nil if there is none.
func (l *Questions) Unplaced() *Question { return l.unplaced }

// Replace says that all are to wait elsewhere.
func (l *Questions) Replace() { l.unplaced = l.first }

// Placed says that the first that was to wait elsewhere does.
func (l *Questions) Placed() { l.unplaced = l.unplaced.behind }

// Add appends a question.
func (l *Questions) Add(q *Question) {
	q.before = l.last
	if l.last == nil {
		l.first = q
	} else {
		l.last.behind = q
	}
	l.last = q
}

// Remove takes a question out; it is in.
func (l *Questions) Remove(q *Question) {
	if l.unplaced == q {
		l.unplaced = q.behind
	}
	if q.before == nil {
		l.first = q.behind
	} else {
		q.before.behind = q.behind
	}
	if q.behind == nil {
		l.last = q.before
	} else {
		q.behind.before = q.before
	}
	q.before, q.behind = nil, nil
}

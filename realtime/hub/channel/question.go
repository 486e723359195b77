package channel

import (
	linked "container/list"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/request"
	"github.com/tidewire/tidewire/realtime/internal/line"
)

// Request asks for a channel.
type Request = request.Request

// Want is how it is wanted.
type Want = request.Want

// Question is a subscribe that waits for an answer.
type Question struct {
	Request Request
	Reader  *Reader
	Asked   time.Time
	// Refused is told instead of the client if the question is refused; nil: the client is.
	Refused func(*realtime.Error)

	// Then is shown the record once that lacks nothing, in place of an answer: the Reader joins no channel. nil: it is answered.
	Then func(*record.Record)

	start *history.Start  // of a rewind
	m     *Machine        // where it waits
	place *linked.Element // in Questions
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
	if m.stale < 8 || 2*int(m.stale) < waiting {
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

// Questions are those of a topic that wait, in the order they were asked. Of them those are to be placed elsewhere that may wait in a Set which is being replaced.
type Questions = line.Line[*Question]

// NewQuestions returns none.
func NewQuestions() Questions {
	return Questions{Place: func(q *Question) **linked.Element { return &q.place }}
}

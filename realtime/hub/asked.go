package hub

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// asked holds the questions of a topic that wait, in the order they were asked, so that
// those that have waited too long are found without a look at the others. It is guarded by feed.mu.
type asked struct {
	first, last *question
	// unplaced is the first of those that may wait in a generation that is being replaced; all
	// before it have been placed in the next.
	unplaced *question
}

func (a *asked) add(q *question) {
	q.before = a.last
	if a.last == nil {
		a.first = q
	} else {
		a.last.behind = q
	}
	a.last = q
}

// remove takes a question out; it is in.
func (a *asked) remove(q *question) {
	if a.unplaced == q {
		a.unplaced = q.behind
	}
	if q.before == nil {
		a.first = q.behind
	} else {
		q.before.behind = q.behind
	}
	if q.behind == nil {
		a.last = q.before
	} else {
		q.behind.before = q.before
	}
	q.before, q.behind = nil, nil
}

// losePatience refuses the questions that have waited too long, as many as one hold of
// the lock allows. It reports whether there are more.
func (f *feed) losePatience(now time.Time) (more bool) {
	for q := f.asked.first; q != nil && now.Sub(q.asked) >= f.pace.patience(); q = f.asked.first {
		if f.tired() {
			return true
		}
		f.refuse(q, &realtime.Error{Code: realtime.CodeUnavailable, Message: "channel: the backend did not answer in time", RetryAfter: 5 * time.Second})
	}
	return false
}

// bury forgets a question that will not be answered by the channel where it waits. The slices
// that hold it are looked through when half of them may be such.
func (ch *channel) bury() {
	ch.buried++
	waiting := len(ch.waiting)
	if ch.fence != nil {
		waiting += len(ch.fence.questions)
	}
	if ch.buried < 8 || 2*ch.buried < waiting {
		return
	}
	ch.buried = 0
	ch.g.feed.steps += waiting
	gone := func(q *question) bool { return q.reader.pending != q || q.ch != ch }
	ch.waiting = slices.DeleteFunc(ch.waiting, gone)
	if ch.fence != nil {
		ch.fence.questions = slices.DeleteFunc(ch.fence.questions, gone)
	}
}

package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/query"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// questions are those of a topic that wait. They are guarded by feed.mu.
type questions struct {
	channel.Questions
	f *feed
}

// ask puts the question of a subscribe where it can be answered.
func (qs *questions) ask(q *channel.Question) {
	qs.f.lock()
	defer qs.f.unlock()
	qs.take(q)
}

// take is ask; f.mu is held.
func (qs *questions) take(q *channel.Question) {
	f := qs.f
	r, c := q.Reader, connectionOf(q.Reader)
	defer qs.contain(r)
	gone := r.State() == channel.Gone
	r.Asks(q)
	if kind, _ := r.Channel().Reserved(); kind == "" && q.Request.State {
		askForAll(f)
	}
	qs.Add(q)
	if gone {
		qs.refuse(q, realtime.Errorf(realtime.CodeNotFound, "channel: %q was unsubscribed before it was answered", r.Channel().Name()))
		return
	}
	if err := query.May(c.Principal(), q); err != nil { // it has renewed its token meanwhile
		qs.refuse(q, err)
		return
	}
	if f.stopped || c.index < 0 {
		qs.refuse(q, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second})
		return
	}
	if err := reviewView(c, r); err != nil {
		qs.refuse(q, err)
		return
	}
	qs.place(q)
}

// place lets a question wait where it can be answered.
func (qs *questions) place(q *channel.Question) {
	f, r := qs.f, q.Reader
	if kind, _ := r.Channel().Reserved(); kind != "" {
		f.fleet.Answer(q)
		return
	}
	// While a new generation is built, the old one still answers what it is
	// sure of: the reader then moves with the others.
	if f.next != nil {
		if answersAtOnce(f.current, q) {
			return
		}
		f.next.channels.Open(r.Channel()).Ask(q)
		return
	}
	f.current.channels.Open(r.Channel()).Ask(q)
}

// drop ends a subscription that its connection has let go already.
func (qs *questions) drop(r *channel.Reader) {
	qs.f.lock()
	defer qs.f.unlock()
	qs.detach(r)
	r.Client().Box.Forget(r.Channel(), channel.Number(r))
}

// detach takes a reader out of its channel, or out of the questions that wait.
func (qs *questions) detach(r *channel.Reader) {
	if q := r.Question(); q != nil {
		qs.refuse(q, realtime.Errorf(realtime.CodeNotFound, "channel: %q was unsubscribed before it was answered", r.Channel().Name()))
	}
	if r.End() {
		left(r)
	}
}

// refuse answers a question with an error and forgets its reader. f.mu is held.
func (qs *questions) refuse(q *channel.Question, err *realtime.Error) {
	f := qs.f
	if !q.Withdraw() {
		return // answered meanwhile
	}
	f.fx.Steps++
	qs.Remove(q)
	r, c := q.Reader, connectionOf(q.Reader)
	c.owed.Add(-1)
	c.takeIf(func(have *channel.Reader) bool { return have == r })
	if q.Refused != nil {
		q.Refused(err)
		return
	}
	f.hub.count.Add(realtime.CountAnswers, r.Channel().Tenant(), realtime.Reason(err.Code), 1)
	f.fx.Push(&c.client, &outbox.Delivery{Frame: channel.Framed(r, c.client.Protocol.Refused(q.Request.ID, r.Channel(), err))})
}

// carryOut does what has followed for questions and generations. f.mu is held.
func (qs *questions) carryOut() {
	f := qs.f
	for i, q := range f.fx.Answered {
		qs.Remove(q)
		connectionOf(q.Reader).owed.Add(-1)
		if q.Then == nil {
			joined(q.Reader)
		}
		f.fx.Answered[i] = nil
	}
	f.fx.Answered = f.fx.Answered[:0]
	for i, r := range f.fx.Refused {
		qs.refuse(r.Question, r.Err)
		f.fx.Refused[i] = channel.Refusal{}
	}
	f.fx.Refused = f.fx.Refused[:0]
	for i, r := range f.fx.Idle {
		f.patterns.Idle(r)
		f.fx.Idle[i] = nil
	}
	f.fx.Idle = f.fx.Idle[:0]
	if f.fx.Moved {
		f.fx.Moved = false
		f.settle()
	}
	if f.fx.Unfinished {
		f.fx.Unfinished = false
		f.chores.start()
	}
}

// contain is deferred by what takes in a question: the connection is closed, and what its channel
// remembers is condemned. f.mu is held.
func (qs *questions) contain(r *channel.Reader) {
	f := qs.f
	fault := recover()
	if fault == nil {
		return
	}
	f.fx.Fail(r.Client())
	for _, g := range f.generations() {
		g.condemn(r.Channel(), fault)
	}
}

// connectionOf is the connection of a reader.
func connectionOf(r *channel.Reader) *Connection { return r.Client().Conn.(*Connection) }

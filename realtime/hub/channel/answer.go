package channel

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Ask answers a question now if that is safe, else after a fence.
func (m *Machine) Ask(q *Question) {
	switch {
	case m.set.o.Local:
		m.begin(q, m.rec.Len(), outbox.Answer{Position: m.rec.Position()}, realtime.ReasonLive)
	case !m.AnswerAtOnce(q):
		m.Wait(q)
	}
}

// Wait lets a question wait for the channel's next fence.
func (m *Machine) Wait(q *Question) {
	if r := &q.Request; r.Since.IsZero() && r.Begins > 0 {
		r.Since.Time = r.Begins
	}
	q.m = m
	m.waiting = append(m.waiting, q)
	m.sendFence()
}

// AnswerAtOnce answers what needs no fence: a reader from now on, or one whose
// Publication is in the record, both on a channel that is live.
func (m *Machine) AnswerAtOnce(q *Question) bool {
	if m.State() != Live || !m.set.Phase.Open() {
		return false
	}
	if q.Then != nil {
		q.consult(m.rec, m.set.fx)
		return true
	}
	since := q.Request.Since
	if since.IsZero() && !q.Request.Rewind.IsZero() {
		q.rewind(m)
		return true
	}
	if since.IsZero() {
		m.begin(q, m.rec.Len(), outbox.Answer{Position: m.rec.Position()}, realtime.ReasonLive)
		return true
	}
	if moved := q.Reader.client.Conn.Tenant().Moved; moved != nil && since.Time < moved.Until.UnixMilli() {
		return false
	}
	_, ok := m.rec.Find(since)
	if ok {
		from, _ := m.rec.Resume(since, q.Request.AsOf-m.set.o.Margin.Milliseconds())
		m.begin(q, from, outbox.Answer{Resumed: true, Position: since}, realtime.ReasonResumed)
	}
	return ok
}

// answer answers a question that was asked before a fence, published at ms, which has come back.
func (m *Machine) answer(q *Question, ms int64) {
	if q.Reader.question != q || q.m != m || m.AnswerAtOnce(q) {
		return
	}
	q.Request.Disbelieve(ms + m.set.skew)
	if m.State() == Buffering {
		m.answerEarly(q, m.rec.Moment(ms))
		return
	}
	asOf := q.Request.AsOf
	if asOf > 0 {
		asOf -= m.set.o.Margin.Milliseconds()
	}
	if from, ok := resume(m.rec, &m.set.o, q.Request.Since, asOf, q.Reader.client.Conn.Tenant().Moved); ok {
		m.begin(q, from, outbox.Answer{Resumed: true, Position: q.Request.Since}, realtime.ReasonResumed)
		return
	}
	if q.Request.State {
		q.beginState(m, m.rec.Len(), false)
		return
	}
	if !q.Request.Rewind.IsZero() {
		q.rewind(m)
		return
	}
	if from := q.Request.Begins; from > 0 { // it can miss nothing of what was before
		m.begin(q, m.rec.After(from), outbox.Answer{Position: realtime.Position{Time: from}}, realtime.ReasonLive)
		return
	}
	m.count(realtime.CountGaps, record.WhyNot(m.rec, q.Request.Since), 1)
	m.begin(q, m.rec.Len(), outbox.Answer{Gap: true, Position: m.rec.Position().OrLater(q.Request.Since)}, realtime.ReasonGap)
}

// resume is the record's, for a reader whose Position may be one of the topic that its tenant was moved away from.
func resume(rec *record.Record, o *Options, p realtime.Position, asOf int64, moved *realtime.Moved) (from int, ok bool) {
	if moved == nil || p.Time >= moved.Until.UnixMilli() {
		return rec.Resume(p, asOf)
	}
	if settled := moved.Settled(); o.Home(rec.Quota().Tenant()) {
		rec.BeginAt(settled) // earlier ones went by the other topic
		if p.Time < settled.UnixMilli() {
			p.ID = ""
		}
	}
	from, ok = rec.Resume(p, asOf)
	// What two publishers published at once, or one again, may stand in another order on the other
	// topic. What comes again the client drops.
	//
	// A reader that takes this minute so slowly that its record evicts a part of it is told gap, mostly without need: it has had those events. Which of
	// them nobody can say. A publisher's retry may be stored on the one topic up to Margin later than on the other, so that an event stands
	// behind the reader's Position on the topic that it has left, and before it on this one; and a Position names one event, not all that
	// its reader has had.
	return min(from, rec.After(p.Time-o.Margin.Milliseconds())), ok
}

// answerEarly answers with a moment, because the replay is overdue and the
// client is not to wait any longer. It reads from there once the record is made.
func (m *Machine) answerEarly(q *Question, at realtime.Position) {
	if q.Request.State || q.Then != nil {
		m.set.fx.Refused = append(m.set.fx.Refused, Refusal{q, &realtime.Error{Code: realtime.CodeUnavailable, Message: "channel: what it has is not known yet", RetryAfter: 5 * time.Second}})
		return
	}
	if err := crowded(m, q.Reader.view); err != nil {
		m.set.fx.Refused = append(m.set.fx.Refused, Refusal{q, err})
		return
	}
	at = at.OrLater(q.Request.Since)
	a, how := outbox.Answer{Position: at, Rewinds: !q.Request.Rewind.IsZero()}, realtime.ReasonLive
	if !q.Request.Since.IsZero() && q.Request.Begins == 0 {
		a.Gap, how = true, realtime.ReasonGap
		m.count(realtime.CountGaps, realtime.ReasonBeacon, 1)
	}
	m.tell(q, a, how)
	q.Reader.join(m, Parked, at)
}

// begin answers and gives the reader what the record holds from an index on;
// from then on it reads live.
func (m *Machine) begin(q *Question, from int, a outbox.Answer, how realtime.Reason) {
	m.releaseTick()
	if err := crowded(m, q.Reader.view); err != nil {
		m.set.fx.Refused = append(m.set.fx.Refused, Refusal{q, err})
		return
	}
	if p := q.Reader.pace; p != nil {
		if p.state {
			q.beginState(m, from, a.Resumed)
			return
		}
		a.MaxRate = p.tempo.Granted()
	}
	m.tell(q, a, how)
	q.Reader.follow(m, from, a.Position)
}

// tell sends an answer.
func (m *Machine) tell(q *Question, a outbox.Answer, how realtime.Reason) {
	s, c := m.set, q.Reader.client
	q.Reader.question = nil
	s.fx.Answered = append(s.fx.Answered, q)
	m.count(realtime.CountAnswers, how, 1)
	s.o.Metrics.Took(realtime.TimingAnswer, m.name.Tenant(), time.Since(q.Asked))
	switch {
	case !q.Request.Quiet:
		s.fx.Push(c, &outbox.Delivery{Frame: Framed(q.Reader, c.Protocol.Subscribed(q.Request.ID, m.name, a))})
	case a.Gap:
		s.fx.Push(c, &outbox.Delivery{Frame: Framed(q.Reader, c.Protocol.Gap(m.name, a.Position))})
	}
}

// unpark gives the readers what the record holds behind their Positions. It has just been made.
func (m *Machine) unpark() {
	for _, r := range slices.Clone(m.readers) {
		if r.state != Parked { // it reads the state, which needs no record
			continue
		}
		at := r.at
		r.leave()
		r.receive(m, at, 0)
	}
}

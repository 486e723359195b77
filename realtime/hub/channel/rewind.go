package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// rewind looks for where the subscription begins and answers the question once it has been found: at once, unless there is much to be
// looked at of which the client may see little. That is done in parts by Work, and the question waits. The channel is live.
func (q *Question) rewind(m *Machine) {
	r, s := q.Reader, m.set
	tenant := r.client.Conn.Tenant()
	home := tenant.Moved == nil || s.o.Home(tenant)
	if tenant.Moved != nil && home {
		m.rec.BeginAt(tenant.Moved.Settled()) // earlier ones went by the other topic
	}
	if !q.start.Of(m.rec, r.view) {
		q.start = history.NewStart(m.rec, r.view, q.Request.Rewind, time.Now())
	}
	q.m = m
	if !q.start.Look(s.fx.Tired) {
		s.looking = append(s.looking, q)
		s.fx.Unfinished = true
		return
	}
	found := q.start.Found()
	a := outbox.Answer{Gap: !q.Request.Since.IsZero(), Position: found.Position, Rewinds: true, Rewound: found.Count, Complete: found.Complete && home}
	if a.Gap {
		m.count(realtime.CountGaps, record.WhyNot(m.rec, q.Request.Since), 1)
	}
	q.start, r.rewound = nil, found.Until
	m.begin(q, found.From, a, realtime.ReasonRewound)
}

// look goes on with the questions that look for where they begin. It reports whether there are more.
func look(s *Set) (more bool) {
	for len(s.looking) > 0 {
		if s.fx.Tired() {
			return true
		}
		q := s.looking[0]
		s.looking[0], s.looking = nil, s.looking[1:]
		m := q.m
		switch {
		case q.Reader.question != q || !q.In(s): // it has been withdrawn, or waits elsewhere
		case m.State() == Live && s.Phase.Open():
			q.rewind(m)
		default:
			m.Wait(q)
		}
	}
	s.looking = nil
	return false
}

// consult shows the record to who asks for nothing else.
func (q *Question) consult(rec *record.Record, fx *Effects) {
	q.Reader.question = nil
	fx.Answered = append(fx.Answered, q)
	q.Then(rec)
}

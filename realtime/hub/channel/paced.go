package channel

import (
	"math"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/tempo"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// beginState answers a question for the state of the channel and gives the reader all of it, or what has changed since it was here. from is
// the index in the record behind the Publication that it has seen last, if that is there.
func (q *Question) beginState(m *Machine, from int, found bool) {
	k, r := m.state, q.Reader
	if k == nil || m.rules.State == nil { // its rule has been taken away meanwhile
		m.set.fx.Refused = append(m.set.fx.Refused, Refusal{q, NoState(m.name)})
		return
	}
	if err := k.Known(); err != nil {
		m.set.fx.Refused = append(m.set.fx.Refused, Refusal{q, err})
		return
	}
	since := q.Request.Since
	a := outbox.Answer{Position: m.rec.Position().OrLater(k.Table.Position()), State: true, View: r.view.Digest(), MaxRate: r.pace.tempo.Granted()}
	a.Keys, _ = k.Table.Size()
	cursor, ok := record.Cursor{}, false
	if !m.set.o.Local {
		cursor, ok = resumeState(r, m, &q.Request, from, found)
	}
	switch {
	case ok:
		a.Resumed, a.Position = true, since
		m.tell(q, a, realtime.ReasonResumed)
	case since.IsZero():
		m.tell(q, a, realtime.ReasonLive)
	default:
		a.Reset = true
		m.tell(q, a, realtime.ReasonReset)
	}
	r.join(m, Reading, a.Position)
	r.attach()
	if ok {
		r.pace.cursor = cursor
		r.pace.lag(true) // also if it is paused: it is given the rest when it goes on
		r.pace.flush(r, time.Now())
		isWhole(r)
		return
	}
	r.pace.begin(r, a.Reset)
}

// resumeState returns where a reader of the state goes on that has had everything up to a Position, by the View that it is shown it by now.
func resumeState(r *Reader, m *Machine, q *Request, from int, found bool) (c record.Cursor, ok bool) {
	since := q.Since
	if since.IsZero() || !since.IsUsable() || r.view.Filtered() || q.View != r.view.Digest() {
		return c, false // what has come into sight, or gone out of it, meanwhile nobody knows
	}
	if !found || from == 0 {
		return m.state.Table.Resume(since.Time-m.set.skew, nil)
	}
	moment := m.rec.At(from - 1).At.Time
	var known []string
	for i := from - 1; i >= 0 && m.rec.At(i).At.Time == moment; i-- {
		known = append(known, m.rec.At(i).At.ID)
	}
	return m.state.Table.Resume(moment, known)
}

// attach puts a reader on what it reads from now on at its own pace, from where it stands.
func (r *Reader) attach() {
	m := r.m
	var k *Keyed
	if r.pace.state {
		k = stateOf(m)
	} else {
		if m.pending == nil {
			m.pending = newPending(m)
		}
		k = m.pending
	}
	if r.seat.Taken() {
		m.lanes.Exit(r)
	}
	r.from = math.MaxUint64 // nothing is delivered to it: it is given what it is to have by the Keyed
	r.pace.tempo.Floor(&m.rules)
	k.enter(r)
	r.pace.catch(k.Table.At())
	if at := m.rec.Position(); !at.IsZero() {
		r.at = at
	}
	r.pace.lag(false)
}

// detach takes it off.
func (r *Reader) detach() {
	m := r.m
	p := r.pace
	p.stands(r)
	p.round = p.round.Leave(&p.cursor)
	m.set.fx.Wheel.Remove(r)
	r.client.Drop(r)
	p.left, p.saved, p.was, p.saw = p.snapshot == nil, p.cursor, p.keyed, p.seat.Sight()
	p.keyed.exit(r)
	if m.pending != nil && m.pending.readers == 0 {
		m.pending.Table.Forget()
		m.pending = nil
	}
}

// continues joins a channel with a reader of its state that has read another stream. The state is that of both, and knows whether the new stream
// goes on where the other ended.
func continues(r *Reader, m *Machine, at realtime.Position) {
	p := r.pace
	cursor, goesOn := p.saved, p.left && p.was == stateOf(m)
	r.join(m, Reading, at)
	r.attach()
	if !goesOn {
		p.begin(r, true)
		return
	}
	p.cursor = cursor
	p.keyed.sights.Resume(&p.seat, p.saw)
	p.lag(true)
	p.flush(r, time.Now())
}

// stateOf returns the state of the channel, for those who read it already.
func stateOf(m *Machine) *Keyed {
	if m.state == nil {
		m.state = m.set.o.State(m.name, true)
	}
	return m.state
}

// NoState is what a subscribe for a state is told where there is none.
func NoState(c realtime.Channel) *realtime.Error {
	return realtime.Errorf(realtime.CodeBadRequest, "state: the namespace of %q keeps none", c.Name())
}

// newPending returns a Keyed of the Machine's own.
func newPending(m *Machine) *Keyed {
	t := record.NewTable(m.name, realtime.State{Keys: tempo.MostKeys, Bytes: tempo.MostBytes}, record.TableOptions{
		Unencodable: owner{m.set}.Unencodable, Held: func(_ realtime.Channel, n int) { record.Aside(m.rec.Quota(), n) },
	})
	return NewKeyed(t, m.set.fx, m.set.o.Metrics)
}

// pend lets those have what has come who are given what is new from time to time.
func (m *Machine) pend(msg *realtime.Message, now time.Time) {
	if m.pending == nil {
		return
	}
	m.pending.Apply(msg, now)
	_, bytes := m.pending.Table.Size()
	idle := m.pending.behind() == 0 && (bytes > tempo.MostIdle || !m.pending.sights.Compares())
	if idle || m.pending.Table.Over() || record.Crowded(m.rec.Quota(), bytes) {
		m.pending.restart()
	}
}

// restart forgets what waits. Who has not had it is told gap.
func (k *Keyed) restart() {
	k.Table.Forget()
	if k.behind() == 0 {
		return
	}
	for r := range k.sights.Readers() {
		if r.pace.lags {
			r.pace.missed(r)
			r.pace.lag(false)
		}
	}
}

package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/fanout"
	"github.com/tidewire/tidewire/realtime/hub/held"
	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Machine is what a Set knows of one channel: its record and its readers.
type Machine struct {
	set   *Set
	name  realtime.Channel
	rules realtime.Namespace
	rec   *record.Record

	needed int64  // when somebody last needed the channel, of a stream that brings it for as long as that, ms
	proved uint64 // set.breaks when a fence last came back, or when the channel began
	wanted bool   // somebody waits for its record who asks no question
	moving bool   // readers of the Set before wait to move here
	queued bool   // in set.wanting
	lined  bool   // in set.line
	faults int32  // panics in handling something for it
	at     int    // in set.all
	busyAt int32  // in set.busy, from 1; 0 while it has no readers
	stale  int32  // questions here and with the fence that nobody waits for any more, at most

	fence     *Fence
	waiting   []*Question         // asked since the fence was sent
	readers   []*Reader           // while it is buffering: parked, each at its Position
	lanes     lane.Lanes[*Reader] // of those who are given what comes at once
	state     *Keyed              // that of the channel; nil if it keeps none
	held      held.Messages       // back from it until the record is made
	kept      int64               // the newest publish time of what it was given, ms
	pending   *Keyed              // of those who are given what is new from time to time; nil if there are none
	ahead     int                 // readers that are
	replaying int                 // readers that are
	tick      *tick
	fan       *fanout.Fan[*Reader] // what is on its way to readers; nil while nothing is
}

// Record returns its record.
func (m *Machine) Record() *record.Record { return m.rec }

// Immediate returns the readers of a channel that are given all that comes, at once. It is good until one comes or goes.
func Immediate(m *Machine) []*Reader { return m.lanes.Plain.Readers }

// Readers returns those of the channel. It is good until one comes or goes.
func (m *Machine) Readers() []*Reader { return m.readers }

func (m *Machine) count(c realtime.Counter, reason realtime.Reason, n int) {
	m.set.o.Metrics.Add(c, m.name.Tenant(), reason, n)
}

// Take takes in an event from the stream. repeated says that its ID has come before.
func (m *Machine) Take(msg *realtime.Message, repeated bool, now time.Time) {
	m.count(realtime.CountPublications, realtime.NoReason, 1)
	if repeated {
		m.count(realtime.CountDrops, realtime.ReasonRepeated, 1)
	}
	if msg.Transient {
		pass(m, msg, repeated, now)
		return
	}
	if m.State() == Buffering {
		keep(m, msg, msg.Time, repeated, now) // in whatever order: a Table knows what is newer
		record.BufferDecided(m.rec, msg, repeated, outcomeOf(m, msg.ID).Verdict)
		return
	}
	at := msg.Time
	j := m.rec.Judge(msg, repeated, now.Add(-m.set.o.Memory).UnixMilli())
	if j.Hole != "" {
		m.hole(j, now)
	}
	keep(m, msg, at, repeated, now) // also what comes late
	if msg.If != nil && !decided(m, msg, repeated) || !j.New {
		return
	}
	m.pend(msg, now)
	e, number := m.rec.Append(msg, now)
	if len(m.readers) == 0 {
		return
	}
	d := &m.set.delivery
	*d = delivery{Entry: e, Number: number, Bytes: len(msg.Data), Trace: msg.Trace, Received: now}
	if m.rules.Tick == 0 || !gather(m, *d) {
		m.deliver(d, now)
	}
	*d = delivery{}
}

// hole cuts the record behind a hole. Nobody resumes across it, and those who read are told at this very place, unless they
// know.
func (m *Machine) hole(j record.Judgement, now time.Time) {
	m.count(realtime.CountHoles, j.Hole, 1)
	if j.Known {
		return
	}
	m.count(realtime.CountGaps, realtime.ReasonHole, 1)
	if s := m.set; now.Sub(s.complained) >= time.Minute {
		s.complained = now
		s.o.Log.Warn("a publication never arrived", realtime.KeyTenant, m.name.Tenant(), realtime.KeyChannel, m.name.Name(), realtime.KeyReason, j.Hole)
	}
	m.lose(j.Until)
}

// lose cuts the record behind a moment, in ms, and tells the readers gap.
func (m *Machine) lose(ms int64) {
	if m.state != nil {
		m.set.o.Doubt(m.name)
	}
	cut(m, ms)
}

// cut is lose of what the state of the channel is not in doubt for.
func cut(m *Machine, ms int64) {
	finish(m)
	at := m.rec.Lose(ms)
	if len(m.readers) == 0 {
		return
	}
	gap := protocol.Shared{Make: func(p *protocol.Protocol) outbox.Frame { return p.Gap(m.name, at) }}
	for _, r := range m.readers {
		if r.pace != nil && r.pace.state {
			continue // its state is to be known anew
		}
		r.endReplay() // what it has not been given yet lies before the gap
		m.set.fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, gap.In(r.client.Protocol)), Channel: m.name, Reader: r.number})
	}
}

// unused reports whether the channel holds and serves nothing.
func (m *Machine) unused() bool {
	return m.rec.Empty() && vacant(m)
}

// vacant reports whether nobody needs the channel.
func vacant(m *Machine) bool {
	return len(m.readers) == 0 && m.fence == nil && m.pending == nil && len(m.waiting) == 0 && !m.moving && m.tick == nil && m.fan == nil && m.held.Len() == 0
}

// lingered reports whether nobody has needed the channel for long, which the stream brings for nobody else, and gives up what it holds.
func lingered(m *Machine, now time.Time) bool {
	switch {
	case !vacant(m):
		m.needed = now.UnixMilli()
	case now.UnixMilli()-m.needed >= m.set.o.Linger.Milliseconds():
		m.set.fx.Steps += m.rec.Len()
		record.GiveUp(m.rec)
		return true
	}
	return false
}

// suspect reports whether the stream broke since a fence last came back: what the channel
// holds may lack something.
func (m *Machine) suspect() bool { return m.proved != m.set.breaks }

// never is no number of breaks.
const never = ^uint64(0)

// prove says at which number of breaks all of the channel is known to have come. With never it may lack something though the
// stream did not break.
func (m *Machine) prove(breaks uint64) {
	was := m.suspect()
	m.proved = breaks
	switch is := m.suspect(); {
	case len(m.readers) == 0:
	case is && !was:
		m.set.suspects++
	case was && !is:
		m.set.suspects--
	}
}

// occupied is told that the channel has got its first reader. One of a Set that is being
// replaced moves to the next like those that were there before.
func (m *Machine) occupied() {
	s := m.set
	s.busy = append(s.busy, m)
	m.busyAt = int32(len(s.busy)) //nolint:gosec // so many are not in memory
	if m.suspect() {
		s.suspects++
	}
	if s.newer != nil {
		s.newer.Prepare(m.name)
	}
}

// vacated is told that the channel has lost its last reader: nobody depends on it, and the next
// question brings a fence.
func (m *Machine) vacated() {
	s := m.set
	last := s.busy[len(s.busy)-1]
	s.busy[m.busyAt-1], last.busyAt = last, m.busyAt
	s.busy[len(s.busy)-1] = nil
	s.busy = s.busy[:len(s.busy)-1]
	m.busyAt = 0
	if m.suspect() {
		s.suspects--
	}
}

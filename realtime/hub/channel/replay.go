package channel

import (
	"math"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// follow joins a channel with a reader that is given what the record holds from an index on, and reads live from
// then on. at is where it stands, if the record does not know better.
//
// It is given that from the record, which all readers share, as far as its client takes it. Until it has reached the end of
// the record nothing new is queued for it, since the record has that too.
func (r *Reader) follow(m *Machine, from int, at realtime.Position) {
	switch {
	case from > 0:
		at = m.rec.At(from - 1).At
	case from < m.rec.Len() && !m.rec.Evicted().IsZero():
		at = m.rec.Evicted() // or it could not be resumed
	}
	// By numbers: another Set that is prepared for the channel may push entries out of this one.
	next := m.rec.First() + uint64(from)
	live := m.rec.Next()
	r.join(m, Replaying, at)
	replay(r, next, live)
}

// replay gives the reader what the record holds from a number on.
func replay(r *Reader, next, live uint64) {
	r.from, r.next, r.live = math.MaxUint64, next, live
	if r.pace != nil && r.pace.paused && next < r.m.rec.Next() {
		return // until it is not
	}
	if r.client.Waits() || !r.fill() { // others wait for room already
		r.client.Wait(r)
		return
	}
	r.endReplay()
}

// fill queues what the reader has missed while there is room. It reports whether that was all.
func (r *Reader) fill() bool {
	m, rec := r.m, r.m.rec
	if r.next < rec.First() { // what it was to be given next has been evicted
		gone := rec.Evicted()
		gap := r.client.Protocol.Gap(r.name, gone)
		if gap.IsZero() { // the encoder panicked
			m.set.fx.Fail(r.client)
			return true
		}
		if !m.set.fx.Replay(r, gap) {
			return false
		}
		m.count(realtime.CountGaps, realtime.ReasonEvicted, 1)
		r.next, r.at = rec.First(), gone
	}
	for i := int(r.next - rec.First()); i < rec.Len(); i++ {
		e := rec.At(i)
		if !superseded(r, e) {
			if pass := rec.Visible(e, r.view, true); pass.Shown() {
				frame := pass.In(r.client.Protocol)
				if frame.IsZero() {
					m.set.fx.Fail(r.client)
					return true
				}
				if !m.set.fx.Replay(r, frame) {
					return false
				}
			}
		}
		r.next, r.at = r.next+1, e.At
	}
	return true
}

// superseded reports whether a reader need not have an entry, because its channel conflates, the
// entry has come while the reader did not keep up, and there is a newer one of its key.
func superseded(r *Reader, e *record.Entry) bool {
	if r.view.Filtered() {
		return false // by something that it is perhaps not shown
	}
	if r.next < r.rewound {
		return false
	}
	if r.pace != nil { // it is given the newest of each key
		return r.m.rec.Superseded(e.Key, r.next)
	}
	return r.m.rules.Overflow == realtime.OverflowConflate && r.next >= r.live && r.m.rec.Superseded(e.Key, r.next)
}

// endReplay takes a reader from its replay: what comes from now on it is given at once.
func (r *Reader) endReplay() {
	if r.state != Replaying {
		return
	}
	r.become(Reading)
	r.from = r.m.rec.Next()
	if r.pace != nil {
		r.attach()
	}
	c := r.client
	c.Drop(r)
	if !c.Waits() {
		c.Box.EndReplays()
	}
}

// Refill queues more of what the reader has missed, or of what is new to it. It reports whether that was all.
func (r *Reader) Refill() bool {
	switch {
	case r.state == Replaying && r.fill():
		r.endReplay()
		return true
	case r.state != Replaying && (r.pace == nil || r.pace.keyed == nil || r.pace.queue(r)):
		r.client.Drop(r)
		settle(r)
		return true
	}
	return false
}

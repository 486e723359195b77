package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/sight"
	"github.com/tidewire/tidewire/realtime/hub/tempo"
	"github.com/tidewire/tidewire/realtime/hub/turns"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Pace is how a reader wants what is new. The zero Pace is all of it at once.
type Pace struct {
	State  bool    // the state first, then what changes
	Rate   float64 // flushes a second at most; 0 is without bound
	Paused bool    // nothing
}

// pace is what a reader of a Keyed needs: where it stands, and when it is given more.
type pace struct {
	state  bool
	paused bool
	tempo  tempo.Tempo

	keyed     *Keyed              // nil until it is on one
	seat      sight.Seat[*Reader] // among those of keyed who are shown the same
	cursor    record.Cursor       // see stands
	snapshot  *record.Snapshot    // while it is given one
	round     *record.Round       // while it does not keep up
	reset     bool                // the client is to forget what it has
	lags      bool                // it has not had everything
	doubts    bool                // the client was told that what it has of the state is by no View
	handed    int64               // when that began, everything up to it had been handed to it, ms
	dropped   int                 // of Table.Dropped, what it was told
	conflated tempo.Conflation
	left      bool // it was on a Keyed before, and has had everything up to saved
	saved     record.Cursor
	was       *Keyed                // that one
	saw       *sight.Sight[*Reader] // of that

	budget turns.Allowance // of bytes
	place  int             // in the Wheel
	mark   uint64          // how many replays its client had been queued when it was flushed last
}

// wants reports whether a Pace needs a Keyed.
func (p *Pace) wants() bool { return p.State || p.Rate > 0 || p.Paused }

// lag says whether the reader has had everything.
func (p *pace) lag(lags bool) {
	p.count(-1)
	p.lags = lags
	p.count(1)
}

// doubt says whether its client was told that the state is in doubt.
func (p *pace) doubt(doubts bool) {
	p.count(-1)
	p.doubts = doubts
	p.count(1)
}

// count counts a reader that has had everything.
func (p *pace) count(n int) {
	if !p.lags {
		p.keyed.current[untold(!p.doubts)] += n
	}
}

// untold is where in Keyed.current those are counted who are to be told of a state that is in doubt, or not.
func untold(doubtful bool) int {
	if doubtful {
		return 0
	}
	return 1
}

// stands brings up to date where a reader stands that has had everything: behind changes too that had nothing in them for it.
func (p *pace) stands(r *Reader) {
	if k := p.keyed; k != nil && !p.lags && p.cursor.Number < k.had.cursor.Number {
		p.catch(k.had.cursor)
		r.at, p.dropped = k.had.at, k.had.dropped
	}
}

// catch moves a reader to where everything is behind it.
func (p *pace) catch(up record.Cursor) {
	up.Joined = p.cursor.Joined
	p.cursor = up
}

// begin gives the reader the state from its beginning.
func (p *pace) begin(r *Reader, reset bool) {
	p.stands(r)
	s := record.NewSnapshot(p.keyed.Table, p.keyed.Table.Position().OrLater(r.m.rec.Position()))
	s.InPlaceOf(p.snapshot, p.cursor)
	p.snapshot, p.round, p.reset = &s, nil, reset
	p.lag(true)
	p.flush(r, time.Now())
}

// sight is what it is shown of the Table.
func (p *pace) sight() *record.Sight { return &p.seat.Sight().Sight }

// changed is told that there is something new.
func (p *pace) changed(r *Reader, now time.Time) {
	if p.lags {
		return // it will find it
	}
	p.stands(r)
	p.dropped = p.keyed.Table.Dropped() // of what it has had
	p.handed = r.m.set.Vouched
	p.lag(true)
	p.flush(r, now)
}

// contain is deferred by what gives a reader something at its own pace: a panic ends its connection.
func (p *pace) contain(r *Reader) {
	if fault := recover(); fault != nil {
		p.keyed.fx.Panicked(r.client, fault)
	}
}

// flush gives the reader what is new if the time for it has come, as far as its client takes it.
func (p *pace) flush(r *Reader, now time.Time) {
	defer p.contain(r)
	switch {
	case p.paused || p.keyed == nil || !p.lags:
		return
	case p.snapshot == nil && !p.mayFlush(r, now):
		p.await(r)
		return
	}
	if p.tempo.Flushed(now); p.tempo.Granted() > 0 {
		r.m.count(realtime.CountFlushes, realtime.ReasonGiven, 1)
	}
	p.fill(r)
}

// fill queues what is new while there is room; what is left follows as soon as there is.
func (p *pace) fill(r *Reader) {
	c := r.client
	first, ok := c.Next()
	if (ok && first != r) || !p.queue(r) {
		if c.Wait(r); p.tempo.Granted() > 0 {
			p.await(r) // by then the client should have taken it
		}
		return
	}
	c.Drop(r)
	if !c.Waits() {
		c.Box.EndReplays()
	}
}

// queue is give. Until the client has taken what is queued by then, the next flush is skipped.
func (p *pace) queue(r *Reader) (whole bool) {
	whole = p.give(r)
	p.mark, _ = r.client.Box.Replayed(false)
	return whole
}

// give queues what is new. It reports whether that was all, or all for now: then the rest is given when the time for it has come.
func (p *pace) give(r *Reader) bool {
	k := p.keyed
	t := k.Table
	if p.snapshot == nil && p.cursor.Lost(t) {
		p.missed(r)
	}
	if p.snapshot != nil && (!p.giveOwed(r) || !p.giveSnapshot(r)) || !k.tellDoubt(r) {
		return false
	}
	if p.round = p.round.Continue(t, &p.cursor); p.round != nil {
		return p.giveRound(r)
	}
	for allowed := p.budget.Allows(bytesOf(r)); ; {
		before := p.cursor
		st, more := p.cursor.Next(t, p.sight())
		if !more {
			p.conflated.Passed(before.Number, p.cursor.Number, 0)
			p.countConflated(r)
			p.lag(false)
			p.tellDropped(r)
			k.tellTrust(r)
			return true
		}
		if !st.Shown() {
			r.at = st.At
			p.conflated.Passed(before.Number, p.cursor.Number, 1)
			continue
		}
		frame := st.In(r.client.Protocol)
		if frame.IsZero() {
			k.fx.Fail(r.client)
			return true
		}
		if spent := allowed <= 0; spent || !k.fx.Replay(r, frame) {
			p.cursor = before
			if p.round = record.NewRound(t, &p.cursor, p.sight()); spent {
				p.later(r)
			}
			return spent
		}
		allowed = p.budget.Take(len(frame.Bytes))
		r.at = st.At
		p.conflated.Passed(before.Number, p.cursor.Number, 1)
		k.metrics.Add(realtime.CountDeliveries, k.name.Tenant(), realtime.NoReason, 1)
	}
}

// missed is told that removals were forgotten that the reader has not heard of: it begins anew.
func (p *pace) missed(r *Reader) {
	t := p.keyed.Table
	if p.state {
		s := record.NewSnapshot(t, t.Position())
		s.InPlaceOf(nil, p.cursor)
		p.snapshot, p.round, p.reset = &s, nil, true
		return
	}
	p.keyed.metrics.Add(realtime.CountGaps, p.keyed.name.Tenant(), realtime.ReasonEvicted, 1)
	p.keyed.fx.Replay(r, r.client.Protocol.Gap(p.keyed.name, t.Position()))
	p.cursor = t.At()
	p.cursor.Joined = t.Number()
	p.sight().Joined = t.Number()
}

// giveOwed queues what comes before a snapshot. It reports whether that was all.
func (p *pace) giveOwed(r *Reader) bool {
	for {
		st, more := p.snapshot.Owed(p.keyed.Table, p.sight())
		if !more {
			return true
		}
		if !p.keyed.fx.Replay(r, st.In(r.client.Protocol)) {
			p.snapshot.NotGiven()
			return false
		}
		r.at = st.At
	}
}

// snapshotBytes is how large a snapshot frame becomes, about, unless less is queued at once.
const snapshotBytes = 48 << 10

// giveSnapshot queues the next part of a snapshot. It reports whether that was the last one.
func (p *pace) giveSnapshot(r *Reader) bool {
	t, c := p.keyed.Table, r.client
	_, atOnce := outbox.Given(c.Box)
	for {
		if queued, taken := c.Box.Replayed(true); taken < queued {
			return false
		}
		if p.snapshot.Spoilt(t) {
			s := record.NewSnapshot(t, t.Position())
			s.InPlaceOf(p.snapshot, p.cursor)
			p.snapshot, p.reset = &s, true
		}
		part := outbox.Snapshot{Reset: p.reset}
		fits := true
		over := p.snapshot.Part(t, p.sight(), func(_ string, pass *record.Pass) bool {
			fits = pass.Enter(&part, c.Protocol)
			return fits && len(part.Entries) < min(snapshotBytes, atOnce)
		})
		if !fits {
			p.snapshot.Again()
		}
		p.reset = false
		cursor, at := p.snapshot.End()
		if part.More = !over; over {
			part.Position, part.View = at, p.keyed.shownBy(r)
		}
		frame := c.Protocol.Snapshot(p.keyed.name, &part)
		if frame.IsZero() {
			p.keyed.fx.Fail(c)
			return true
		}
		p.keyed.fx.Replay(r, frame)
		p.budget.Take(len(frame.Bytes))
		if over {
			p.snapshot, p.cursor, r.at = nil, cursor, at
			isWhole(r)
			return true
		}
	}
}

// tellDropped tells the client how many Publications without a key it has missed, because it did not keep up.
func (p *pace) tellDropped(r *Reader) {
	n := p.keyed.Table.Dropped() - p.dropped
	if n == 0 {
		return
	}
	p.dropped += n
	p.keyed.fx.Replay(r, r.client.Protocol.Dropped(p.keyed.name, n))
}

// Handed returns the moment up to which a reader has been given all that has come up to a moment, in ms: less if it is given what is new from
// time to time, and has not had everything. Those who are given the state do not resume by it.
func Handed(r *Reader, up int64) int64 {
	p := r.pace
	if r.m != nil && r.seat.Taken() {
		up = until(r.m, up)
	}
	if p == nil || p.state || p.keyed == nil || !p.lags {
		return up
	}
	return min(up, max(p.handed, r.at.Time))
}

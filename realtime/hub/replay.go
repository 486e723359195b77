package hub

import (
	"math"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// replay is how a reader is given what it has missed: from the record, which all readers share, as far as
// its client takes it. Until it has reached the end of the record nothing new is queued for
// it, since the record has that too. It is guarded by feed.mu.
type replay struct {
	// from is the number of the first entry that the reader is given when it comes: those before it
	// have come by a replay, or will.
	from   uint64
	active bool // the fields below count only then
	next   uint64
	live   uint64            // the entries from here on have come since it began
	at     realtime.Position // where the reader stands: the last entry that it was given, or had
}

// follow puts a reader in that is given what the record holds from an index on, and reads live from
// then on. at is where it stands, if the record does not know better.
func (ch *channel) follow(r *reader, from int, at realtime.Position) {
	ch.join(r)
	ch.g.feed.touch(r.conn)
	end := ch.rec.Next()
	r.replay = replay{from: math.MaxUint64, active: true, next: ch.rec.First() + uint64(from), live: end, at: at}
	switch {
	case from > 0:
		r.replay.at = ch.rec.At(from - 1).At
	case from < ch.rec.Len() && !ch.rec.Evicted().IsZero():
		r.replay.at = ch.rec.Evicted() // or it could not be resumed
	}
	ch.behind++
	if len(r.conn.behind) > 0 || !ch.fill(r) { // others wait for room already
		r.conn.behind = append(r.conn.behind, r)
		return
	}
	ch.endReplay(r)
}

// fill queues what the reader has missed while there is room. It reports whether that was all.
func (ch *channel) fill(r *reader) bool {
	box, p, f := r.conn.box, &r.replay, ch.g.feed
	if p.next < ch.rec.First() { // what it was to be given next has been evicted
		gone := ch.rec.Evicted()
		gap := r.conn.protocol.Gap(ch.name, gone)
		if gap.IsZero() { // the encoder panicked
			f.closes = append(f.closes, closing{r.conn, wentWrong()})
			return true
		}
		if !box.Replay(ch.name, gap) {
			return false
		}
		f.hub.count.Add(realtime.CountGaps, ch.name.Tenant(), "evicted", 1)
		p.next, p.at = ch.rec.First(), gone
	}
	for i := int(p.next - ch.rec.First()); i < ch.rec.Len(); i++ {
		e := ch.rec.At(i)
		if !ch.replaced(p, e) {
			frame := ch.rec.Frame(e, r.conn.protocol, true)
			if frame.IsZero() {
				f.closes = append(f.closes, closing{r.conn, wentWrong()})
				return true
			}
			if !box.Replay(ch.name, frame) {
				return false
			}
		}
		p.next, p.at = p.next+1, e.At
	}
	return true
}

// endReplay takes a reader from its replay: what comes from now on it is given at once.
func (ch *channel) endReplay(r *reader) {
	if !r.replay.active {
		return
	}
	r.replay = replay{from: ch.rec.Next()}
	if ch.behind--; ch.behind == 0 {
		ch.rec.ForgetKeys()
	}
	c := r.conn
	for i, have := range c.behind {
		if have == r {
			c.behind = append(c.behind[:i], c.behind[i+1:]...)
			break
		}
	}
	if len(c.behind) == 0 {
		c.behind = nil
		c.box.EndReplays()
	}
}

// refill queues more of the replays of a connection, each in its turn. The writer calls it, and no lock is held.
func (c *Connection) refill() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock() // and no more: the writer is here, so there is nothing to flush
	defer c.feed.fitGrown()
	for len(c.behind) > 0 {
		r := c.behind[0]
		if !r.ch.fill(r) {
			c.behind = append(c.behind[1:], r)
			return
		}
		r.ch.endReplay(r)
	}
}

// replaced reports whether a reader need not have an entry, because its channel conflates, the
// entry has come while the reader did not keep up, and there is a newer one of its key.
func (ch *channel) replaced(p *replay, e *record.Entry) bool {
	return ch.rules.Overflow == realtime.OverflowConflate && p.next >= p.live && ch.rec.Superseded(e.Key, p.next)
}

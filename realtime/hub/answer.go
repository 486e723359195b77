package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// ask answers a question now if that is safe, else after a fence.
func (ch *channel) ask(q *question) {
	if ch.answerAtOnce(q) {
		return
	}
	ch.wait(q)
	ch.sendFence()
}

// wait lets a question wait for the channel's next fence.
func (ch *channel) wait(q *question) {
	q.ch = ch
	ch.waiting = append(ch.waiting, q)
}

// answerAtOnce answers what needs no fence: a reader from now on, or one whose
// Publication is in the record, both on a channel that stands.
func (ch *channel) answerAtOnce(q *question) bool {
	if ch.state() != live || !ch.g.phase.open() {
		return false
	}
	since := q.request.Since
	if since.IsZero() {
		ch.begin(q, ch.rec.Len(), outbox.Answer{Position: ch.rec.Position()}, "live")
		return true
	}
	if m := q.reader.conn.Tenant().Moved; m != nil && since.Time < m.Until.UnixMilli() {
		return false
	}
	from, ok := ch.rec.Find(since)
	if ok {
		ch.begin(q, from, outbox.Answer{Resumed: true, Position: since}, "resumed")
	}
	return ok
}

// answer answers a question that was asked before a fence, published at ms, which has come back.
func (ch *channel) answer(q *question, ms int64) {
	if q.reader.pending != q || q.ch != ch || ch.answerAtOnce(q) {
		return
	}
	q.request.disbelieve(ms + ch.skew())
	if ch.state() == buffering {
		ch.answerEarly(q, ch.rec.Moment(ms))
		return
	}
	asOf := q.request.AsOf
	if asOf > 0 {
		asOf -= ch.g.feed.pace.Margin.Milliseconds()
	}
	if from, ok := ch.resume(q.request.Since, asOf, q.reader.conn.Tenant().Moved); ok {
		ch.begin(q, from, outbox.Answer{Resumed: true, Position: q.request.Since}, "resumed")
		return
	}
	ch.g.feed.hub.count.Add(realtime.CountGaps, ch.name.Tenant(), ch.whyGap(q.request.Since), 1)
	ch.begin(q, ch.rec.Len(), outbox.Answer{Gap: true, Position: ch.rec.Position().OrLater(q.request.Since)}, "gap")
}

// resume is the record's, for a reader whose Position may be one of the topic that its tenant was moved away from.
func (ch *channel) resume(p realtime.Position, asOf int64, m *realtime.Moved) (from int, ok bool) {
	if m == nil || p.Time >= m.Until.UnixMilli() {
		return ch.rec.Resume(p, asOf)
	}
	if settled := m.Settled(); ch.g.feed.topic == ch.g.feed.hub.o.Placement(ch.rec.Quota().Tenant()) {
		ch.rec.BeginAt(settled) // earlier ones went by the other topic
		if p.Time < settled.UnixMilli() {
			p.ID = ""
		}
	}
	from, ok = ch.rec.Resume(p, asOf)
	// What two publishers published at once, or one again, may stand in another order on the other
	// topic. What comes again the client drops.
	return min(from, ch.rec.After(p.Time-ch.g.feed.pace.Margin.Milliseconds())), ok
}

// answerEarly answers with a moment, because the replay is overdue and the
// client is not to wait any longer. It reads from there once the record stands.
func (ch *channel) answerEarly(q *question, at realtime.Position) {
	at = at.OrLater(q.request.Since)
	a, how := outbox.Answer{Position: at}, "live"
	if !q.request.Since.IsZero() {
		a.Gap, how = true, "gap"
		ch.g.feed.hub.count.Add(realtime.CountGaps, ch.name.Tenant(), "beacon", 1)
	}
	ch.tell(q, a, how)
	ch.park(q.reader, at)
	ch.g.feed.joined(q.reader)
}

// whyGap says for the metrics why a record could not answer.
func (ch *channel) whyGap(since realtime.Position) string {
	if !since.IsUsable() {
		return "unusable"
	}
	if since.Time <= ch.rec.Evicted().Time {
		return "evicted"
	}
	return "horizon"
}

// begin answers and gives the reader what the record holds from an index on;
// from then on it reads live.
func (ch *channel) begin(q *question, from int, a outbox.Answer, how string) {
	ch.releaseTick()
	ch.tell(q, a, how)
	ch.follow(q.reader, from, a.Position)
	ch.g.feed.joined(q.reader)
}

// tell sends an answer.
func (ch *channel) tell(q *question, a outbox.Answer, how string) {
	f, r := ch.g.feed, q.reader
	f.asked.remove(q)
	r.pending = nil
	r.conn.owed.Add(-1)
	f.hub.count.Add(realtime.CountAnswers, ch.name.Tenant(), how, 1)
	f.hub.count.Took(realtime.TimingAnswer, ch.name.Tenant(), time.Since(q.asked))
	f.push(r.conn, &outbox.Delivery{Frame: r.conn.protocol.Subscribed(q.request.ID, ch.name, a)})
}

// live gives a new entry to the readers, at once or at the end of the tick.
func (ch *channel) live(e delivery, now time.Time) {
	if len(ch.readers) == 0 {
		return
	}
	if ch.rules.Tick > 0 && ch.gather(e) {
		return
	}
	ch.deliver(&e, now)
}

// delivery is an entry on its way to the readers.
type delivery struct {
	record.Entry
	number   uint64 // in the record
	trace    string // if a Tracer follows it
	received time.Time
}

// deliver gives an entry to the readers.
func (ch *channel) deliver(e *delivery, now time.Time) {
	f := ch.g.feed
	d := outbox.Delivery{Channel: ch.name, Key: e.Key, Policy: ch.rules.Overflow}
	shown, kept := &e.Entry, false
	if have := ch.rec.Numbered(e.number); have != nil { // what is encoded now is there for those who come later
		shown, kept = have, true
	}
	lost, readers := 0, 0
	for _, r := range ch.readers {
		if r.replay.from > e.number {
			continue // its replay has it, or will
		}
		readers++
		if ch.ahead > 0 && !r.ahead.IsZero() && !ch.reached(r, e.At) {
			continue
		}
		d.Frame = ch.rec.Frame(shown, r.conn.protocol, kept)
		lost += f.push(r.conn, &d)
	}
	count := f.hub.count
	count.Add(realtime.CountDeliveries, ch.name.Tenant(), "", readers)
	if lost > 0 {
		count.Add(realtime.CountDrops, ch.name.Tenant(), string(ch.rules.Overflow), lost)
	}
	count.Took(realtime.TimingDelivery, ch.name.Tenant(), now.Sub(time.UnixMilli(e.At.Time)))
	if e.trace != "" && f.hub.o.Tracer != nil {
		f.traced = append(f.traced, traced{e.trace, realtime.Delivered{
			Channel: ch.name, ID: e.At.ID, Published: time.UnixMilli(e.At.Time), Received: e.received, Queued: time.Now(), Readers: readers,
		}})
	}
}

// reached reports whether a reader that has seen more than its new record is to
// have an entry. Its own Publication ends the wait; if something later comes
// first, that Publication is missing here, and with it perhaps others.
func (ch *channel) reached(r *reader, at realtime.Position) bool {
	missing := at.ID != r.ahead.ID
	if missing && at.Time <= r.ahead.Time+ch.skew() {
		return false
	}
	r.ahead = realtime.Position{}
	ch.ahead--
	if missing {
		ch.tellGap(r, realtime.Position{Time: at.Time - 1})
	}
	return missing
}

func (ch *channel) tellGap(r *reader, at realtime.Position) {
	f := ch.g.feed
	f.hub.count.Add(realtime.CountGaps, ch.name.Tenant(), "moved", 1)
	f.push(r.conn, &outbox.Delivery{Frame: r.conn.protocol.Gap(ch.name, at), Channel: ch.name})
}

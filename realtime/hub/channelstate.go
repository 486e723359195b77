package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// channel is what a generation knows of one channel: before its first fence,
// what came, put aside; afterwards its record and its readers. It is guarded
// by feed.mu.
type channel struct {
	g     *generation
	name  realtime.Channel
	rules realtime.Namespace
	quota *quota
	place int // in quota.oldest, from 1; 0 while it is not in

	stood  bool   // the record has been made of what was buffered; see state
	proved uint64 // g.breaks when a fence last came back, or when the channel began
	moving bool   // readers of the generation before wait to move here
	queued bool   // in g.wanting
	at     int    // in g.all
	mate   int    // in quota.channels
	busyAt int    // in g.busy, from 1; 0 while it has no readers

	aside     []put  // before it stands, as it came
	asideTurn uint64 // of the oldest of them, about
	rec       record
	series    series
	newest    int64             // publish time of the newest Publication, ms
	faults    int               // panics in handling something for it
	cut       int64             // what is older lies before a hole that was told, ms
	floor     realtime.Position // where a reader stands while the record has seen none

	fence    *fence
	waiting  []*question       // asked since the fence was sent
	buried   int               // questions here and with the fence that nobody waits for any more, at most
	readers  []*reader         // before it stands: parked, each at its Position
	ahead    int               // readers that wait for the record to come to them
	behind   int               // readers that are being given a replay
	newestOf map[string]uint64 // numbers of the newest entries of each key, while a replay needs them
	tick     *tick
}

func newChannel(g *generation, name realtime.Channel) *channel {
	q := g.quotas[name.Tenant()]
	if q == nil {
		q = newQuota(g, name.Tenant())
		g.quotas[name.Tenant()] = q
	}
	ch := &channel{g: g, name: name, quota: q, proved: g.breaks, at: len(g.all), mate: len(q.channels), rules: q.tenant.Rules(name.Namespace())}
	ch.series.since, ch.series.skew = g.complete, g.feed.pace.Skew
	ch.rec.skew = ch.skew()
	g.all = append(g.all, ch)
	q.channels = append(q.channels, ch)
	q.took(ch.cost(), 0)
	return ch
}

// publication takes in an event from the stream.
func (ch *channel) publication(m *realtime.Message, now time.Time) {
	hub := ch.g.feed.hub
	hub.count.Add(realtime.CountPublications, ch.name.Tenant(), "", 1)
	repeated := ch.g.seen.repeated(ch.name.Tenant(), ch.name.Name(), m.ID)
	if repeated {
		hub.count.Add(realtime.CountDrops, ch.name.Tenant(), "repeated", 1)
	}
	if ch.state() == buffering {
		ch.putAside(m, repeated)
		return
	}
	ms := m.Time.UnixMilli()
	v := ch.series.hear(m)
	if v != late && ms < ch.newest && ms >= ch.newest-ch.skew() && ms >= ch.g.memorable(now) {
		// Of two publishers the broker has stored one earlier, and the other before it. Its own place is
		// the order's; the record's times never decrease.
		ms = ch.newest
		m.Time = time.UnixMilli(ms)
	}
	switch {
	case repeated:
		if v == skipped {
			ch.hole("skipped", ms, now)
		}
		return
	case v == late && ms < ch.cut:
		hub.count.Add(realtime.CountHoles, ch.name.Tenant(), "late", 1) // its readers know
		return
	case v == late, ms < ch.newest, ms == ch.newest && ms < ch.g.memorable(now):
		// It comes behind its successors. Out of order it is not given; that it
		// is missing is said.
		ch.hole("late", ch.newest, now)
		return
	case v == skipped:
		ch.hole("skipped", ms, now)
	}
	ch.newest = ms
	e := newEntry(m)
	ch.remember(e, now)
	number := ch.rec.first + uint64(ch.rec.len()) - 1
	ch.superseded(e.key, number)
	ch.live(delivery{entry: e, number: number, trace: m.Trace, received: now}, now)
}

// hole cuts the record behind a moment: something up to then never came. Nobody
// resumes across it, and those who read are told at this very place. The
// moment's own millisecond is given up too, since what is missing may share it.
func (ch *channel) hole(why string, ms int64, now time.Time) {
	hub := ch.g.feed.hub
	hub.count.Add(realtime.CountHoles, ch.name.Tenant(), why, 1)
	if ch.rec.len() == 0 && ch.rec.evicted.IsZero() && ms < ch.rec.since.UnixMilli() {
		return // it lies before a cut, and nothing has come since
	}
	hub.count.Add(realtime.CountGaps, ch.name.Tenant(), "hole", 1)
	if now.Sub(ch.g.complained) >= time.Minute {
		ch.g.complained = now
		hub.log.Warn("a publication never arrived", realtime.KeyTenant, ch.name.Tenant(), realtime.KeyChannel, ch.name.Name(), realtime.KeyReason, why)
	}
	ch.lose(ms)
}

// lose cuts the record behind a moment, and tells the readers gap.
func (ch *channel) lose(ms int64) {
	at := ch.position()
	ch.cut = ms + 1
	ch.cutRecord(time.UnixMilli(ms + 1))
	ch.floor = at
	ch.releaseTick()
	if len(ch.readers) == 0 {
		return
	}
	gap := sharedFrame{make: func(p *protocol) outbox.Frame { return p.Gap(ch.name, at) }}
	for _, r := range ch.readers {
		ch.endReplay(r) // what it has not been given yet lies before the gap
		ch.g.feed.push(r.conn, &outbox.Delivery{Frame: gap.in(r.conn.protocol), Channel: ch.name})
	}
}

// position is where a reader stands that has had everything up to now.
func (ch *channel) position() realtime.Position {
	if p := ch.rec.last(); !p.IsZero() {
		return p
	}
	return ch.floor
}

// stand makes the record of what was put aside: a fence that was published at ms,
// after the beacon came back, has come back too, and so has all before it. It
// reports whether there is a hole.
func (ch *channel) stand(ms int64) (hole bool) {
	ch.stood = true
	ch.series.since = ch.g.complete
	ch.floor = ch.moment(ms)
	ch.rec.since = ch.g.complete
	if forgotten := max(ch.g.forgotten, ch.quota.forgotten); forgotten >= ch.rec.since.UnixMilli() {
		ch.rec.since = time.UnixMilli(forgotten + 1)
	}
	ch.sortAside()
	ch.firstCopies()
	claimed, gone := ch.g.complete.UnixMilli(), ch.rec.evicted.Time
	now := time.Now()
	for i := range ch.aside {
		m, repeated := &ch.aside[i].Message, ch.aside[i].repeated
		at := m.Time.UnixMilli()
		v := ch.series.hear(m)
		if at <= gone { // it was given up, or what came after it was
			if at == gone && !repeated {
				ch.rec.evicted = m.Position()
			}
			continue
		}
		if at >= claimed && (v == skipped || v == late && !repeated) {
			hole = true
			ch.cutRecord(time.UnixMilli(at + 1))
		}
		if repeated || v == late {
			continue
		}
		ch.newest = at
		ch.remember(newEntry(m), now)
	}
	ch.newest = max(ch.newest, ch.rec.evicted.Time, ms-1)
	ch.dropAside()
	return hole
}

// skew is by how much the publish times of a channel may decrease, in ms.
func (ch *channel) skew() int64 { return ch.g.feed.pace.Skew.Milliseconds() }

// moment is where a reader stands that has had what came before a fence, published at ms, and nothing else:
// what comes behind the fence may have been published at a little less.
func (ch *channel) moment(ms int64) realtime.Position {
	at := ms - 1 - ch.skew()
	if begin := ch.g.complete.UnixMilli(); at < begin {
		at = min(begin, ms-1) // nothing is known of what was before
	}
	return realtime.Position{Time: at}
}

// cost is what the channel itself counts for.
func (ch *channel) cost() int { return channelOverhead + len(ch.name.Name()) }

// unused reports whether the channel holds and serves nothing.
func (ch *channel) unused() bool {
	return len(ch.aside) == 0 && ch.rec.len() == 0 && len(ch.readers) == 0 && ch.fence == nil && len(ch.waiting) == 0 && !ch.moving && ch.tick == nil
}

// turn is when the oldest of what the channel holds came.
func (ch *channel) turn() (turn uint64, holds bool) {
	switch {
	case ch.rec.len() > 0:
		return ch.rec.at(0).turn, true
	case len(ch.aside) > 0:
		return ch.asideTurn, true
	}
	return 0, false
}

// suspect reports whether the stream broke since a fence last came back: what the channel
// holds may lack something.
func (ch *channel) suspect() bool { return ch.proved != ch.g.breaks }

// never is no number of breaks.
const never = ^uint64(0)

// doubt says that the channel may lack something though the stream did not break.
func (ch *channel) doubt() {
	if !ch.suspect() && len(ch.readers) > 0 {
		ch.g.suspects++
	}
	ch.proved = never
}

// trust says that a fence has come back: all of the channel has come.
func (ch *channel) trust() {
	if ch.suspect() && len(ch.readers) > 0 {
		ch.g.suspects--
	}
	ch.proved = ch.g.breaks
}

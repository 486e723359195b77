package realtime

import (
	"sort"
	"time"
)

// channel is what a generation knows of one channel: before its first fence,
// what came, put aside; afterwards its record and its readers. It is guarded
// by feed.mu.
type channel struct {
	g     *generation
	name  Channel
	rules Namespace
	quota *quota

	standing bool // the record stands: what comes is live
	suspect  bool // the stream broke since the last fence
	counted  bool // in g.suspects
	moving   bool // readers of the generation before wait to move here

	aside  []put // before it stands, as it came
	rec    record
	series series
	newest int64    // publish time of the newest Publication, ms
	floor  Position // where a reader stands while the record has seen none
	stale  int64    // what was published up to then and comes late belongs to a replay nobody waited for, ms

	fence   *fence
	waiting []*question // asked since the fence was sent
	readers []*reader
	ahead   int // readers that wait for the record to come to them
	tick    *tick
}

// put is a message put aside, or a repetition of one, which counts only for its number.
type put struct {
	Message
	repeated bool
}

func newChannel(g *generation, name Channel) *channel {
	q := g.quotas[name.tenant]
	if q == nil {
		q = newQuota(g, name.tenant)
		g.quotas[name.tenant] = q
	}
	ch := &channel{g: g, name: name, quota: q, rules: q.tenant.Rules(name.Namespace())}
	ch.series.since = g.complete
	return ch
}

// publication takes in an event from the stream.
func (ch *channel) publication(m *Message, now time.Time) {
	hub := ch.g.feed.hub
	hub.count.Add(CountPublications, ch.name.tenant, "", 1)
	repeated := ch.g.seen.repeated(ch.name, m.ID)
	if repeated {
		hub.count.Add(CountDrops, ch.name.tenant, "repeated", 1)
	}
	if !ch.standing {
		ch.putAside(m, repeated)
		return
	}
	ms := m.Time.UnixMilli()
	if !repeated && ms < ch.stale {
		hub.count.Add(CountDrops, ch.name.tenant, "stale", 1)
		return
	}
	v := ch.series.hear(m)
	switch {
	case repeated:
		if v == skipped {
			ch.hole("skipped", ms)
		}
		return
	case v == late || ms < ch.newest:
		// It comes behind its successors. Out of order it is not given; that it
		// is missing is said.
		ch.hole("late", ch.newest)
		return
	case v == skipped:
		ch.hole("skipped", ms)
	}
	ch.newest = ms
	e := ch.entry(m)
	ch.remember(e, now)
	ch.live(e, now)
}

func (ch *channel) entry(m *Message) entry {
	return entry{at: m.Position(), key: m.Key, frame: ch.g.feed.hub.o.Encoder.Message(&m.Publication)}
}

// hole cuts the record behind a moment: something up to then never came. Nobody
// resumes across it, and those who read are told at this very place. The
// moment's own millisecond is given up too, since what is missing may share it.
func (ch *channel) hole(why string, ms int64) {
	hub := ch.g.feed.hub
	hub.count.Add(CountHoles, ch.name.tenant, why, 1)
	hub.count.Add(CountGaps, ch.name.tenant, "hole", 1)
	hub.log.Warn("a publication never came", KeyTenant, ch.name.tenant, KeyChannel, ch.name.name, KeyReason, why)
	at := ch.position()
	ch.quota.freed(ch.rec.cut(time.UnixMilli(ms + 1)))
	ch.floor = at
	ch.releaseTick()
	if len(ch.readers) == 0 {
		return
	}
	frame := hub.o.Encoder.Gap(ch.name, at)
	for _, r := range ch.readers {
		ch.g.feed.push(r.conn, &Delivery{Frame: frame, Channel: ch.name})
	}
}

// position is where a reader stands that has had everything up to now.
func (ch *channel) position() Position {
	if p := ch.rec.last(); !p.IsZero() {
		return p
	}
	return ch.floor
}

// putAside keeps a message until a fence tells that all before it has come.
func (ch *channel) putAside(m *Message, repeated bool) {
	ch.aside = append(ch.aside, put{*m, repeated})
	if repeated {
		ch.aside[len(ch.aside)-1].Data = nil
		ch.aside[len(ch.aside)-1].Tags = nil
		return
	}
	ch.quota.took(asideCost(m))
	if most := 2*ch.rules.Window + 64; len(ch.aside) > most || ch.quota.over() {
		ch.trimAside(most / 2)
	}
}

func asideCost(m *Message) int { return len(m.Data) + len(m.ID) + len(m.Key) + 2*entryOverhead }

// trimAside gives up the oldest of what was put aside, down to a number and at
// least by half.
func (ch *channel) trimAside(keep int) {
	ch.sortAside()
	ch.giveUpAside(len(ch.aside) - min(keep, len(ch.aside)/2))
}

// giveUpAside forgets the first n, in order.
func (ch *channel) giveUpAside(n int) {
	for i := range n {
		p := &ch.aside[i]
		if !p.repeated {
			ch.quota.freed(asideCost(&p.Message))
			ch.rec.evicted = p.Position()
		}
		ch.series.hear(&p.Message)
	}
	ch.g.feed.hub.count.Add(CountEvictions, ch.name.tenant, "aside", n)
	ch.aside = append([]put(nil), ch.aside[n:]...)
}

// sortAside puts what came from a replay and live, mixed, in order of publish
// time. Between equals a publisher's numbers decide, else the order in which they came.
func (ch *channel) sortAside() {
	sort.SliceStable(ch.aside, func(i, j int) bool {
		a, b := &ch.aside[i], &ch.aside[j]
		if x, y := a.Time.UnixMilli(), b.Time.UnixMilli(); x != y {
			return x < y
		}
		return a.Series == b.Series && a.Number < b.Number
	})
}

// stand makes the record of what was put aside: a fence published at ms came
// back, so all before it has come, all of the replay too if the fence is
// strong. It reports whether there is a hole in it.
func (ch *channel) stand(strong bool, ms int64) (hole bool) {
	ch.standing = true
	aside := ch.aside
	ch.series.since = ch.g.complete
	ch.floor = Position{Time: ms - 1}
	if !strong {
		// Only what is published behind the fence is sure to come in order.
		for i := range aside {
			ch.series.hear(&aside[i].Message)
		}
		ch.dropAside()
		ch.rec.evicted = Position{}
		ch.rec.since, ch.stale, ch.newest = time.UnixMilli(ms+1), ms, ms
		ch.series.since = time.UnixMilli(ms)
		return false
	}
	ch.sortAside()
	aside = ch.aside
	ch.rec.since = ch.g.complete
	if ch.g.forgotten >= ch.rec.since.UnixMilli() {
		ch.rec.since = time.UnixMilli(ch.g.forgotten + 1)
	}
	claimed := ch.g.complete.UnixMilli()
	now := time.Now()
	for i := range aside {
		m := &aside[i].Message
		at := m.Time.UnixMilli()
		v := ch.series.hear(m)
		if at >= claimed && (v == skipped || v == late && !aside[i].repeated) {
			hole = true
			ch.quota.freed(ch.rec.cut(time.UnixMilli(at + 1)))
		}
		if aside[i].repeated || v == late {
			continue
		}
		ch.newest = at
		ch.remember(ch.entry(m), now)
	}
	ch.dropAside()
	return hole
}

func (ch *channel) dropAside() {
	for i := range ch.aside {
		if !ch.aside[i].repeated {
			ch.quota.freed(asideCost(&ch.aside[i].Message))
		}
	}
	ch.aside = nil
}

// trust says that a fence has come back: all of the channel has come.
func (ch *channel) trust() {
	ch.suspect = false
	if ch.counted {
		ch.counted = false
		ch.g.suspects--
	}
}

// lie says that the channel is not to be answered from, though it stands.
func (ch *channel) lie() { ch.suspect = true }

// remove takes a reader out.
func (ch *channel) remove(r *reader) {
	last := len(ch.readers) - 1
	ch.readers[r.index] = ch.readers[last]
	ch.readers[r.index].index = r.index
	ch.readers[last] = nil
	ch.readers = ch.readers[:last]
	if !r.ahead.IsZero() {
		ch.ahead--
	}
	r.ch = nil
	if len(ch.readers) == 0 && ch.counted {
		ch.counted = false // nobody depends on it: the next question brings a fence
		ch.g.suspects--
	}
}

// join puts a reader in.
func (ch *channel) join(r *reader) {
	r.ch, r.index = ch, len(ch.readers)
	ch.readers = append(ch.readers, r)
}

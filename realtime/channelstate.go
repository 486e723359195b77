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

	fence   *fence
	waiting []*question // asked since the fence was sent
	readers []*reader   // before it stands: parked, each at its Position
	ahead   int         // readers that wait for the record to come to them
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
	ch.series.since, ch.series.skew = g.complete, g.feed.pace.Skew
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
	v := ch.series.hear(m)
	switch {
	case repeated:
		if v == skipped {
			ch.hole("skipped", ms)
		}
		return
	case v == late, ms < ch.newest, ms == ch.newest && ms < ch.g.memorable(now):
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
// Repetitions are kept too: their numbers count, and the first copy may come after them.
func (ch *channel) putAside(m *Message, repeated bool) {
	ch.aside = append(ch.aside, put{*m, repeated})
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
		ch.quota.freed(asideCost(&p.Message))
		if p.Time.UnixMilli() >= ch.rec.evicted.Time {
			ch.rec.evicted = p.Position()
		}
		ch.series.hear(&p.Message)
	}
	ch.g.feed.hub.count.Add(CountEvictions, ch.name.tenant, "aside", n)
	ch.aside = append([]put(nil), ch.aside[n:]...)
}

// sortAside puts what came from a replay and live, mixed, in order of publish
// time, each message once. Between equals the order in which they came last decides: a
// redelivery brings all later ones again, and a replay what came live before it.
func (ch *channel) sortAside() {
	type message struct {
		id, series string
		number     uint64
		at         int64
	}
	last := make(map[message]int, len(ch.aside)) // the place that a message has now
	kept := make([]put, len(ch.aside))
	from := len(kept)
	for i := len(ch.aside) - 1; i >= 0; i-- {
		p := &ch.aside[i]
		m := message{p.ID, p.Series, p.Number, p.Time.UnixMilli()}
		if at, again := last[m]; again {
			kept[at].repeated = kept[at].repeated && p.repeated
			ch.quota.freed(asideCost(&p.Message))
			continue
		}
		from--
		kept[from], last[m] = *p, from
	}
	ch.aside = kept[from:]
	sort.SliceStable(ch.aside, func(i, j int) bool { return ch.aside[i].Time.UnixMilli() < ch.aside[j].Time.UnixMilli() })
}

// firstCopies marks as repeated every copy but the earliest of each event. The
// messages are in order. Copies of an event of which none is new repeat one that was given up.
func (ch *channel) firstCopies() {
	anew := make(map[string]bool, len(ch.aside)) // IDs of which a copy was new when it came
	for i := range ch.aside {
		if !ch.aside[i].repeated {
			anew[ch.aside[i].ID] = true
		}
	}
	for i := range ch.aside {
		p := &ch.aside[i]
		p.repeated = !anew[p.ID]
		anew[p.ID] = false
	}
}

// stand makes the record of what was put aside: a fence that was published at ms,
// after the beacon came back, has come back too, and so has all before it. It
// reports whether there is a hole.
func (ch *channel) stand(ms int64) (hole bool) {
	ch.standing = true
	ch.series.since = ch.g.complete
	ch.floor = Position{Time: ms - 1}
	ch.rec.since = ch.g.complete
	if ch.g.forgotten >= ch.rec.since.UnixMilli() {
		ch.rec.since = time.UnixMilli(ch.g.forgotten + 1)
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
			ch.quota.freed(ch.rec.cut(time.UnixMilli(at + 1)))
		}
		if repeated || v == late {
			continue
		}
		ch.newest = at
		ch.remember(ch.entry(m), now)
	}
	ch.newest = max(ch.newest, ch.rec.evicted.Time, ms-1)
	ch.dropAside()
	return hole
}

func (ch *channel) dropAside() {
	for i := range ch.aside {
		ch.quota.freed(asideCost(&ch.aside[i].Message))
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
	if !ch.standing {
		ch.g.parked--
	}
	last := len(ch.readers) - 1
	ch.readers[r.index] = ch.readers[last]
	ch.readers[r.index].index = r.index
	ch.readers[last] = nil
	ch.readers = ch.readers[:last]
	if !r.ahead.IsZero() && ch.standing {
		ch.ahead--
	}
	r.ch = nil
	if len(ch.readers) == 0 && ch.counted {
		ch.counted = false // nobody depends on it: the next question brings a fence
		ch.g.suspects--
	}
}

// park puts a reader in that has been answered, at a Position, before the record stands.
func (ch *channel) park(r *reader, at Position) {
	ch.join(r)
	r.ahead = at
	ch.g.parked++
}

// unpark gives the readers what the record holds behind their Positions. It has just come to stand.
func (ch *channel) unpark() {
	parked := ch.readers
	ch.readers = nil
	ch.g.parked -= len(parked)
	for _, r := range parked {
		at := r.ahead
		r.ahead = Position{}
		ch.receive(r, at, 0)
	}
}

// join puts a reader in.
func (ch *channel) join(r *reader) {
	r.ch, r.index = ch, len(ch.readers)
	ch.readers = append(ch.readers, r)
}

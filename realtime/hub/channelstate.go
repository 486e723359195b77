package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// channel is what a generation knows of one channel: before its first fence,
// what came, put aside; afterwards its record and its readers. It is guarded
// by feed.mu.
type channel struct {
	g     *generation
	name  realtime.Channel
	rules realtime.Namespace
	rec   *record.Record

	proved uint64 // g.breaks when a fence last came back, or when the channel began
	moving bool   // readers of the generation before wait to move here
	queued bool   // in g.wanting
	at     int    // in g.all
	busyAt int    // in g.busy, from 1; 0 while it has no readers

	faults int // panics in handling something for it

	fence   *fence
	waiting []*question // asked since the fence was sent
	buried  int         // questions here and with the fence that nobody waits for any more, at most
	readers []*reader   // before it stands: parked, each at its Position
	ahead   int         // readers that wait for the record to come to them
	behind  int         // readers that are being given a replay
	tick    *tick
}

func newChannel(g *generation, name realtime.Channel) *channel {
	var doc *realtime.Tenant
	if g.records.Quota(name.Tenant()) == nil {
		doc = g.feed.document(name.Tenant())
	}
	rec := g.records.Open(name, doc)
	ch := &channel{g: g, name: name, rec: rec, proved: g.breaks, at: len(g.all), rules: rec.Quota().Tenant().Rules(name.Namespace())}
	g.all = append(g.all, ch)
	return ch
}

// publication takes in an event from the stream.
func (ch *channel) publication(m *realtime.Message, now time.Time) {
	hub := ch.g.feed.hub
	hub.count.Add(realtime.CountPublications, ch.name.Tenant(), "", 1)
	repeated := ch.g.seen.Repeated(ch.name.Tenant(), ch.name.Name(), m.ID)
	if repeated {
		hub.count.Add(realtime.CountDrops, ch.name.Tenant(), "repeated", 1)
	}
	if ch.state() == buffering {
		ch.rec.Buffer(m, repeated)
		return
	}
	j := ch.rec.Judge(m, repeated, ch.g.memorable(now))
	if j.Hole != "" {
		ch.hole(j, now)
	}
	if !j.New {
		return
	}
	e, number := ch.rec.Append(m, now)
	ch.live(delivery{Entry: e, number: number, trace: m.Trace, received: now}, now)
}

// hole cuts the record behind a hole. Nobody resumes across it, and those who read are told at this very place, unless they
// know.
func (ch *channel) hole(j record.Judgement, now time.Time) {
	hub := ch.g.feed.hub
	hub.count.Add(realtime.CountHoles, ch.name.Tenant(), j.Hole, 1)
	if j.Known {
		return
	}
	hub.count.Add(realtime.CountGaps, ch.name.Tenant(), "hole", 1)
	if now.Sub(ch.g.complained) >= time.Minute {
		ch.g.complained = now
		hub.log.Warn("a publication never arrived", realtime.KeyTenant, ch.name.Tenant(), realtime.KeyChannel, ch.name.Name(), realtime.KeyReason, j.Hole)
	}
	ch.lose(j.Until)
}

// lose cuts the record behind a moment, in ms, and tells the readers gap.
func (ch *channel) lose(ms int64) {
	at := ch.rec.Lose(ms)
	ch.releaseTick()
	if len(ch.readers) == 0 {
		return
	}
	gap := protocol.Shared{Make: func(p *protocol.Protocol) outbox.Frame { return p.Gap(ch.name, at) }}
	for _, r := range ch.readers {
		ch.endReplay(r) // what it has not been given yet lies before the gap
		ch.g.feed.push(r.conn, &outbox.Delivery{Frame: gap.In(r.conn.protocol), Channel: ch.name})
	}
}

// skew is by how much the publish times of a channel may decrease, in ms.
func (ch *channel) skew() int64 { return ch.g.feed.pace.Skew.Milliseconds() }

// unused reports whether the channel holds and serves nothing.
func (ch *channel) unused() bool {
	return ch.rec.Empty() && len(ch.readers) == 0 && ch.fence == nil && len(ch.waiting) == 0 && !ch.moving && ch.tick == nil
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

package realtime

import (
	"slices"
	"time"
)

// seekTakes is how long a replay may take to begin before it is taken for lost:
// Pub/Sub says up to a minute (Seek is eventually consistent), and a stream may stall meanwhile.
const seekTakes = 2 * time.Minute

// agingEvery is how often records without traffic are looked through.
const agingEvery = 10 * time.Second

// sweep does what is due at a moment: heartbeats, expiry, deadlines, eviction.
func (f *feed) sweep(now time.Time) {
	f.mu.Lock()
	for _, g := range f.generations() {
		f.deadlines(g, now)
	}
	if now.Sub(f.aged) >= agingEvery {
		f.aged = now
		for _, g := range f.generations() {
			g.age(now)
		}
	}
	f.settle()
	beats := f.due(now)
	f.unlock()
	f.beat(beats, now)
}

// due is a connection that is to have a heartbeat, is to move, or is over.
type due struct {
	conn    *Connection
	asOf    int64
	moves   bool
	expired bool
}

// movesWithin is how long a client may wait before it moves.
const movesWithin = 5 * time.Second

func (f *feed) due(now time.Time) (all []due) {
	sure := f.next == nil && f.current.sure()
	if sure {
		f.current.vouched = f.current.heard
	}
	for _, c := range f.conns {
		if !c.Principal().Expires.After(now) {
			all = append(all, due{conn: c, expired: true})
			continue
		}
		if !c.moveAt.IsZero() && !c.moveAt.After(now) {
			c.moveAt = time.Time{}
			all = append(all, due{conn: c, moves: true})
		}
		if c.beatAt.After(now) {
			continue
		}
		c.beatAt = now.Add(f.pace.Heartbeat)
		d := due{conn: c}
		if sure && c.owed.Load() == 0 && c.box.Idle() {
			d.asOf = f.current.vouched
		}
		all = append(all, d)
	}
	return all
}

// beat sends heartbeats; most connections of a topic share their frame.
func (f *feed) beat(beats []due, now time.Time) {
	frames := map[int64]Frame{}
	for _, d := range beats {
		if d.expired {
			d.conn.Close(Errorf(CodeExpired, "the token has expired; get a new one and connect again"))
			continue
		}
		if d.moves {
			d.conn.SendControl(f.hub.o.Encoder.Move(spread(movesWithin, d.conn.id).Milliseconds()))
			continue
		}
		frame, ok := frames[d.asOf]
		if !ok {
			frame = f.hub.o.Encoder.Heartbeat(Position{Time: d.asOf})
			frames[d.asOf] = frame
		}
		d.conn.box.Control(frame)
		if !d.conn.transport.Beat(now) {
			d.conn.Close(Errorf(CodeTimeout, "no sign of life in time"))
			continue
		}
		d.conn.transport.Flush()
	}
}

// deadlines refuses questions that have waited too long and replaces a
// generation whose fence, pulse or beacon did not come back.
func (f *feed) deadlines(g *generation, now time.Time) {
	if g.open && !g.begun && !g.overdue && now.Sub(g.opened) >= f.pace.Beacon {
		g.overdue = true
		f.hub.log.Warn("the replay did not begin in time", KeyTopic, f.topic)
	}
	if g.open && !g.begun && now.Sub(g.opened) >= seekTakes {
		f.replace(g, "beacon")
	}
	for _, ch := range g.channels {
		ch.losePatience(now)
	}
	for _, fe := range g.fences {
		if now.Sub(fe.sent) >= f.pace.Fence {
			f.hub.count.Add(CountFences, fe.ch.name.tenant, "overdue", 1)
			f.replace(g, "fence")
			break
		}
	}
	switch {
	case g.open && g.pulse != "" && now.Sub(g.pulsed) >= f.pace.Fence:
		f.replace(g, "pulse")
	case g.open && g.pulse == "" && now.Sub(g.heardAt) >= f.pace.Pulse:
		g.sendPulse(now)
	case g.unfit != "":
		f.replace(g, g.unfit)
	}
	if g == f.current && f.next == nil && f.tries > 0 && g.sure() && now.Sub(f.rebuilt) > f.pace.Horizon {
		f.tries = 0
	}
	g.sendFences()
}

// losePatience refuses the questions that have waited too long, and forgets those
// whose clients have gone.
func (ch *channel) losePatience(now time.Time) {
	f := ch.g.feed
	overdue := func(q *question) bool {
		if q.reader.pending == q && now.Sub(q.asked) >= f.pace.patience() {
			f.refuse(q, &Error{Code: CodeUnavailable, Message: "channel: the backend did not answer in time", RetryAfter: 5 * time.Second})
		}
		return q.reader.pending != q
	}
	ch.waiting = slices.DeleteFunc(ch.waiting, overdue)
	if ch.fence != nil {
		ch.fence.questions = slices.DeleteFunc(ch.fence.questions, overdue)
	}
}

// age evicts what is too old and forgets channels that hold and serve nothing.
func (g *generation) age(now time.Time) {
	for name, ch := range g.channels {
		ch.series.forget(now)
		if ch.standing {
			ch.expire(now)
		} else {
			ch.expireAside(now)
		}
		if len(ch.aside) == 0 && ch.rec.len() == 0 && len(ch.readers) == 0 && ch.fence == nil && len(ch.waiting) == 0 && !ch.moving && ch.tick == nil {
			g.forgotten = max(g.forgotten, ch.rec.evicted.Time, ch.rec.since.UnixMilli()-1, ch.newest)
			ch.quota.channels--
			ch.quota.oldest.remove(ch)
			delete(g.channels, name)
		}
	}
	for tenant, q := range g.quotas {
		g.feed.hub.count.Level(GaugeRecordBytes, tenant, q.used)
		if q.channels == 0 {
			delete(g.quotas, tenant)
		}
	}
}

package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// seekTakes is how long a replay may take to begin before it is taken for lost:
// Pub/Sub says up to a minute (Seek is eventually consistent), and a stream may stall meanwhile.
const seekTakes = 2 * time.Minute

// agingSweeps is in how many sweeps all channels have been looked through for entries that are
// too old: those without traffic evict nothing else.
const agingSweeps = 10

// sweep does what is due at a moment: deadlines, refusals, eviction.
func (f *feed) sweep(now time.Time) {
	f.judge(now)
	for f.sweepOn(now) {
	}
}

func (f *feed) judge(now time.Time) {
	f.lock()
	defer f.unlock()
	for _, g := range f.generations() {
		f.deadlines(g, now)
		g.look = len(g.all)/agingSweeps + 1
	}
	f.vouch()
}

// sweepOn does a part of what takes longer. It reports whether more is left.
func (f *feed) sweepOn(now time.Time) (more bool) {
	f.lock()
	defer f.unlock()
	if f.stopped {
		return false
	}
	if f.losePatience(now) {
		return true
	}
	for _, g := range f.generations() {
		if g.ageSome(now) || g.forgetTenants(now) {
			return true
		}
	}
	return false
}

// vouch returns the moment up to which all that was published has been handed on, if that is
// known now; else 0.
func (f *feed) vouch() int64 {
	if f.next != nil || !f.current.sure() {
		return 0
	}
	f.current.vouched = f.current.heard
	return f.current.vouched
}

// deadlines replaces a generation whose fence, pulse or beacon did not come back.
func (f *feed) deadlines(g *generation, now time.Time) {
	if g.phase == replaying && now.Sub(g.opened) >= f.pace.Beacon {
		g.phase = overdue
		f.hub.log.Warn("the replay did not begin in time", realtime.KeyTopic, f.topic)
	}
	if (g.phase == replaying || g.phase == overdue) && now.Sub(g.opened) >= seekTakes {
		f.replace(g, "beacon")
	}
	if oldest := g.sent.Front(); oldest != nil && (g != f.current || f.next == nil) {
		if fe := oldest.Value.(*fence); now.Sub(fe.sent) >= f.pace.Fence {
			f.hub.count.Add(realtime.CountFences, fe.ch.name.Tenant(), "overdue", 1)
			f.replace(g, "fence")
		}
	}
	switch {
	case g.phase.open() && g.pulse != "" && now.Sub(g.pulsed) >= f.pace.Fence:
		f.replace(g, "pulse")
	case g.phase.open() && g.pulse == "" && now.Sub(g.heardAt) >= f.pace.Pulse:
		g.sendPulse(now)
	case g.unfit != "":
		f.replace(g, g.unfit)
	}
	if g == f.current && f.next == nil && f.tries > 0 && g.sure() && now.Sub(f.rebuilt) > f.pace.Horizon {
		f.tries = 0
	}
	g.sendFences()
}

// ageSome looks through some of the channels that this sweep looks at. It reports whether there
// are more.
func (g *generation) ageSome(now time.Time) (more bool) {
	for ; g.look > 0 && len(g.all) > 0; g.look-- {
		if g.feed.tired() {
			return true
		}
		if g.hand--; g.hand < 0 || g.hand >= len(g.all) {
			g.hand = len(g.all) - 1
		}
		g.all[g.hand].age(now)
	}
	return false
}

// age evicts what is too old, and forgets the channel if it holds and serves nothing.
func (ch *channel) age(now time.Time) {
	ch.rec.Age(now)
	if ch.unused() {
		ch.g.remove(ch)
	}
	if bytes, changed := ch.rec.Quota().Changed(); changed {
		ch.g.feed.hub.count.Level(realtime.GaugeRecordBytes, ch.name.Tenant(), bytes)
	}
}

// remove takes a channel out that holds and serves nothing.
func (g *generation) remove(ch *channel) {
	delete(g.channels, ch.name)
	last := len(g.all) - 1
	g.all[ch.at], g.all[last].at = g.all[last], ch.at
	g.all[last] = nil
	g.all = g.all[:last]
	g.records.Remove(ch.rec)
}

// forgetTenants drops what is known of tenants that have had no channels for long. It reports whether there are more.
func (g *generation) forgetTenants(now time.Time) (more bool) {
	for {
		tenant, some := g.records.ForgetTenant(now)
		if tenant != "" {
			g.feed.forget(tenant)
		}
		if !some {
			return false
		}
		if g.feed.tired() {
			return true
		}
	}
}

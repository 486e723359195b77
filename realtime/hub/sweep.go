package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
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
		g.channels.Look(agingSweeps)
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
		if g.channels.Age(now) || g.forgetTenants(now) {
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
	f.current.channels.Vouched = f.current.heard
	return f.current.heard
}

// deadlines replaces a generation whose fence, pulse or beacon did not come back.
func (f *feed) deadlines(g *generation, now time.Time) {
	channels := g.channels
	if channels.Phase == channel.Replaying && now.Sub(g.opened) >= f.pace.Beacon {
		channels.Phase = channel.Overdue
		f.hub.log.Warn("the replay did not begin in time", realtime.KeyTopic, f.topic)
	}
	if (channels.Phase == channel.Replaying || channels.Phase == channel.Overdue) && now.Sub(g.opened) >= seekTakes {
		f.replace(g, "beacon")
	}
	if g != f.current || f.next == nil {
		if c, overdue := channels.Overdue(now, f.pace.Fence); overdue {
			f.hub.count.Add(realtime.CountFences, c.Tenant(), "overdue", 1)
			f.replace(g, "fence")
		}
	}
	switch {
	case channels.Phase.Open() && g.pulse != "" && now.Sub(g.pulsed) >= f.pace.Fence:
		f.replace(g, "pulse")
	case channels.Phase.Open() && g.pulse == "" && now.Sub(g.heardAt) >= f.pace.Pulse:
		g.sendPulse(now)
	case g.unfit != "":
		f.replace(g, g.unfit)
	}
	if g == f.current && f.next == nil && f.tries > 0 && g.sure() && now.Sub(f.rebuilt) > f.pace.Horizon {
		f.tries = 0
	}
	g.sendFences()
}

// forgetTenants drops what is known of tenants that have had no channels for long. It reports whether there are more.
func (g *generation) forgetTenants(now time.Time) (more bool) {
	for {
		tenant, some := g.channels.Records().ForgetTenant(now)
		if tenant != "" {
			g.feed.forget(tenant)
		}
		if !some {
			return false
		}
		if g.feed.fx.Tired() {
			return true
		}
	}
}

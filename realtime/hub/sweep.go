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

// round is one sweep of a feed: what is due at a moment, deadlines, refusals, eviction.
type round struct {
	f   *feed
	now time.Time
}

func (s round) do() {
	s.judge()
	for s.part() {
	}
}

func (s round) judge() {
	s.f.lock()
	defer s.f.unlock()
	for _, g := range s.f.generations() {
		g.deadlines(s.now)
		g.channels.Look(agingSweeps)
	}
	fit(s.f, s.now)
	s.f.vouch()
	s.f.states.Look()
	if !s.f.stopped {
		s.f.fleet.Turn(s.now)
	}
}

// part does a part of what takes longer. It reports whether more is left.
func (s round) part() (more bool) {
	s.f.lock()
	defer s.f.unlock()
	if s.f.stopped {
		return false
	}
	if s.losePatience() {
		return true
	}
	if s.f.states.Sweep(s.now) || s.f.patterns.Retry(s.now) {
		return true
	}
	for _, g := range s.f.generations() {
		if g.channels.Age(s.now) || g.forgetTenants(s.now) {
			return true
		}
	}
	return false
}

// losePatience refuses the questions that have waited too long, as many as one hold of
// the lock allows. It reports whether there are more.
func (s round) losePatience() (more bool) {
	f := s.f
	for q := f.asked.First(); q != nil && s.now.Sub(q.Asked) >= f.pace.Patience(); q = f.asked.First() {
		if f.fx.Tired() {
			return true
		}
		f.asked.refuse(q, &realtime.Error{Code: realtime.CodeUnavailable, Message: "channel: the backend did not answer in time", RetryAfter: 5 * time.Second})
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
	f.patterns.Vouch(f.current.heard)
	return f.current.heard
}

// deadlines replaces the generation if a fence, pulse or beacon did not come back in time.
func (g *generation) deadlines(now time.Time) {
	f, channels := g.feed, g.channels
	if channels.Phase == channel.PhaseReplaying && now.Sub(g.opened) >= f.pace.Beacon {
		channels.Phase = channel.PhaseOverdue
		f.hub.log.Warn("the replay did not begin in time", realtime.KeyTopic, f.topic)
	}
	if (channels.Phase == channel.PhaseReplaying || channels.Phase == channel.PhaseOverdue) && now.Sub(g.opened) >= seekTakes {
		f.replace(g, realtime.ReasonBeacon)
	}
	if g != f.current || f.next == nil {
		if c, overdue := channels.Overdue(now, f.pace.Fence); overdue {
			f.hub.count.Add(realtime.CountFences, c.Tenant(), realtime.ReasonOverdue, 1)
			f.replace(g, realtime.ReasonFence)
		}
	}
	switch {
	case channels.Phase.Open() && g.pulse.Overdue(now, f.pace.Fence):
		f.replace(g, realtime.ReasonPulse)
	case channels.Phase.Open() && !g.pulse.UnderWay() && now.Sub(g.heardAt) >= f.pace.Pulse:
		f.out = append(f.out, g.pulse.Send(g.ctx, &g.stream, now))
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

// forget drops the document of a tenant that has nothing here any more.
func (f *feed) forget(tenant string) {
	t := f.tenants[tenant]
	if t == nil || len(t.Conns) > 0 {
		return
	}
	for _, g := range f.generations() {
		if g != nil && g.channels.Records().Quota(tenant) != nil {
			return
		}
	}
	delete(f.tenants, tenant)
}

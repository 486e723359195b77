package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

const (
	// slowAfter is how many flushes in a row find the last one unsent before the rate is halved.
	slowAfter = 3
	// cleanFor is how long none does before it is doubled again.
	cleanFor = 10 * time.Second
	// toldEvery is how often a client is told of its rate at most.
	toldEvery = 5 * time.Second
	// leastRate is how far a rate goes down if its namespace does not say.
	leastRate = 0.5
)

// effective is the rate in force.
func (p *pace) effective() float64 {
	if p.slowed > 0 {
		return p.slowed
	}
	return p.rate
}

// await has the reader given more when the time has come.
func (p *pace) await(r *Reader) { p.keyed.fx.Wheel.due.Set(r, p.next) }

// mayFlush reports whether the client has taken the last flush. If it has not, this one is left out: what it would have had is in the next.
func (p *pace) mayFlush(r *Reader, now time.Time) bool {
	if _, taken := r.client.Box.Replayed(false); taken < p.mark {
		p.clean = now
		if p.skipped++; p.skipped >= slowAfter {
			p.skipped = 0
			p.adjust(r, max(p.effective()/2, p.least), now)
		}
		p.next = now.Add(time.Duration(float64(time.Second) / p.effective()))
		return false
	}
	p.skipped = 0
	if p.slowed > 0 && now.Sub(p.clean) >= cleanFor {
		p.clean = now
		p.adjust(r, min(p.slowed*2, p.rate), now)
	}
	return true
}

// adjust changes the rate in force, and tells the client now and then.
func (p *pace) adjust(r *Reader, rate float64, now time.Time) {
	if rate == p.effective() {
		return
	}
	p.slowed = rate
	if rate >= p.rate {
		p.slowed = 0
	}
	if now.Sub(p.told) < toldEvery {
		return
	}
	p.told = now
	p.keyed.fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, r.client.Protocol.Tuned(r.name, rate, "slow")), Channel: r.name, Reader: r.number})
}

// Regrant gives a reader the rate that the rules of its namespace allow, which have changed, and tells its client.
func Regrant(r *Reader, n *realtime.Namespace, now time.Time) {
	want, rate := r.Wanted(), 0.0
	if r.pace != nil {
		rate = r.pace.rate
	}
	granted := n.GrantedRate(want.MaxRate)
	if granted == rate {
		return
	}
	r.Tune(Pace{Rate: granted, Paused: want.Paused}, now)
	if r.m != nil {
		r.m.set.fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, r.client.Protocol.Tuned(r.name, granted, "rules")), Channel: r.name, Reader: r.number})
	}
}

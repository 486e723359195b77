package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// await has the reader given more when the time has come.
func (p *pace) await(r *Reader) { p.keyed.fx.Wheel.Set(r, p.tempo.Next()) }

// mayFlush reports whether the time has come to give the reader more, and whether its client has taken what it was given last.
func (p *pace) mayFlush(r *Reader, now time.Time) bool {
	rated := p.tempo.Granted() > 0
	if (rated || bytesOf(r) > 0) && now.Before(p.tempo.Next()) {
		return false
	}
	_, taken := r.client.Box.Replayed(false)
	if rated && p.tempo.Due(taken >= p.mark, now) {
		tellTuned(r, p.tempo.Effective(), realtime.ReasonSlow)
	}
	if rated && taken < p.mark {
		r.m.count(realtime.CountFlushes, realtime.ReasonSkipped, 1)
	}
	return !rated || taken >= p.mark
}

// tellTuned tells the client of a reader of its rate, and why it is another one.
func tellTuned(r *Reader, rate float64, why realtime.Reason) {
	r.m.set.fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, r.client.Protocol.Tuned(r.name, rate, string(why))), Channel: r.name, Reader: r.number})
	r.m.count(realtime.CountTuned, why, 1)
}

// countConflated counts what the reader was not given because something newer took its place, once it has had everything.
func (p *pace) countConflated(r *Reader) {
	if n, why := p.conflated.Take(p.tempo.Granted() > 0); n > 0 {
		r.m.count(realtime.CountConflated, why, n)
	}
}

// Regrant gives a reader the rate that the rules of its namespace allow, which have changed, and tells its client.
func Regrant(r *Reader, n *realtime.Namespace, now time.Time) {
	want, rate := r.Wanted(), 0.0
	if r.pace != nil {
		rate = r.pace.tempo.Granted()
	}
	granted := n.GrantedRate(want.MaxRate)
	if granted == rate {
		return
	}
	r.Tune(Pace{Rate: granted, Paused: want.Paused}, now)
	if r.m != nil {
		tellTuned(r, granted, realtime.ReasonRules)
	}
}

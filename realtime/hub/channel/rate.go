package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// await has the reader given more when the time has come.
func (p *pace) await(r *Reader) { p.keyed.fx.Wheel.due.Set(r, p.tempo.Next()) }

// mayFlush reports whether the time has come to give the reader more, and whether its client has taken what it was given last.
func (p *pace) mayFlush(r *Reader, now time.Time) bool {
	rated := p.tempo.Granted() > 0
	if (rated || bytesOf(r) > 0) && now.Before(p.tempo.Next()) {
		return false
	}
	_, taken := r.client.Box.Replayed(false)
	if rated && p.tempo.Due(taken >= p.mark, now) {
		tellTuned(r, p.keyed.fx, p.tempo.Effective(), "slow")
	}
	return !rated || taken >= p.mark
}

func tellTuned(r *Reader, fx *Effects, rate float64, why string) {
	fx.Push(r.client, &outbox.Delivery{Frame: Framed(r, r.client.Protocol.Tuned(r.name, rate, why)), Channel: r.name, Reader: r.number})
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
		tellTuned(r, r.m.set.fx, granted, "rules")
	}
}

package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// See shows the reader what another View says from now on. Of a state it is told what leaves and enters its sight.
func (r *Reader) See(v *view.View) {
	switch {
	case r.pace != nil && r.pace.keyed != nil:
		r.pace.keyed.see(r, v)
	case r.seat.Taken():
		finish(r.m) // what has come was for the other
		r.m.lanes.Exit(r)
		r.view = v
		r.m.lanes.Enter(r)
	default:
		r.view = v
	}
}

// Tune gives the reader another pace. Whether it is given the state does not change.
func (r *Reader) Tune(p Pace, now time.Time) {
	if r.pace == nil {
		if !p.wants() {
			return
		}
		if r.m != nil {
			finish(r.m) // what has come is given to it as it was
		}
		if r.pace = (&pace{}); r.state == Reading {
			r.attach()
		}
	}
	was := r.pace
	paused := was.paused
	was.paused = p.Paused
	was.conflated.Pause(p.Paused)
	was.tempo.Grant(p.Rate, now)
	if p.Paused && r.m != nil {
		r.client.Drop(r)
	}
	switch k := was.keyed; {
	case k != nil:
		was.tempo.Floor(&r.m.rules)
		k.fx.Wheel.Remove(r)
		if was.lags {
			was.flush(r, now)
		}
	case r.state == Replaying && paused && !p.Paused:
		replay(r, r.next, r.live)
	}
	settle(r)
}

// Apply has the reader given what its client wants by now, as a View shows it and the rules of its namespace allow it. It returns what is applied.
func Apply(r *Reader, want Want, v *view.View, n *realtime.Namespace, now time.Time) Want {
	r.SetWant(want)
	if v.ID() != r.View().ID() {
		r.See(v)
	}
	want.MaxRate = n.GrantedRate(want.MaxRate)
	r.Tune(Pace{Rate: want.MaxRate, Paused: want.Paused}, now)
	return want
}

// settle lets the reader read as those do who ask for nothing, if it does not any more and has had everything.
func settle(r *Reader) {
	p := r.pace
	if p == nil || p.state || p.tempo.Granted() > 0 || p.paused || p.lags {
		return
	}
	if p.keyed != nil {
		m := r.m
		r.detach()
		m.lanes.Enter(r)
		r.from = m.rec.Next()
	}
	r.pace = nil
}

// current reports whether the reader has had all that came.
func current(r *Reader) bool {
	return r.state == Reading && (r.pace == nil || r.pace.state || !r.pace.lags)
}

// KeepsState reports whether it is given the state of the channel.
func KeepsState(r *Reader) bool { return r.pace != nil && r.pace.state }

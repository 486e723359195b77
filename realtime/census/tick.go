package census

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Tick does what is due: reports what has changed, asks again for what was lost, lets leases end.
func (c *Census) Tick(now time.Time) {
	for ch := range c.dirty {
		if s := c.subjects[ch]; s == nil || c.settle(s, now) {
			delete(c.dirty, ch)
		}
	}
	if !c.renewAt.IsZero() && !now.Before(c.renewAt) {
		c.renew(now, false)
	}
	for origin, o := range c.others {
		if !now.Before(o.until) {
			delete(c.others, origin)
			c.forget(origin)
			if !o.bye {
				c.metrics.Add(realtime.CountCensusLosses, "", realtime.ReasonLease, 1)
			}
		}
	}
	if now.Before(c.lookAt) {
		return
	}
	c.lookAt = now.Add(lookEvery)
	lapse(c, now)
	if tells(c) && now.Sub(c.sentAt) >= aliveEvery-Every {
		c.send(realtime.Channel{}, &body{}, now, func() {}) // the next comes well within the lease
	}
}

// settle does what is due for a subject. It reports whether nothing is left.
func (c *Census) settle(s *subject, now time.Time) (done bool) {
	switch {
	case s.owes && now.Sub(s.wholeAt) >= Every:
		c.whole(s, now)
	case s.changed != nil:
		c.change(s, now)
	}
	done = !s.owes
	lost := s.wanted && s.again.IsZero() // an ask has failed
	for _, r := range s.reports {
		if r.missed.IsZero() {
			continue
		}
		done = false
		lost = lost || now.Sub(r.missed) >= againAfter
	}
	if lost && now.Sub(s.again) >= againEvery {
		c.metrics.Add(realtime.CountCensusLosses, s.channel.Tenant(), realtime.ReasonReport, 1)
		for _, r := range s.reports {
			r.missed = time.Time{}
		}
		c.ask(now, true, s)
	}
	return done && !lost
}

// tells reports whether others rely on what this instance has said.
func tells(c *Census) bool {
	for _, s := range c.subjects {
		if s.sent != 0 {
			return true
		}
	}
	return false
}

// Bye tells the others that this instance says no more. Nothing is to be called afterwards.
func (c *Census) Bye(now time.Time) {
	if c.n > 0 {
		c.send(realtime.Channel{}, &body{Bye: true}, now, func() {})
	}
}

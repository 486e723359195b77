package census

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// other is another instance that was heard of.
type other struct {
	epoch uint64
	until time.Time
	bye   bool
}

// reported is what another instance has said of a subject.
type reported struct {
	last   uint64              // number of the last report
	keys   map[string]struct{} // it has
	before map[string]struct{} // it had, before the whole report under way; nil if none is
	missed time.Time           // since when one before what has come is missing; zero if none is
}

// Hear takes in what a message of the topic says. age is how long before the stream that brought it was opened it was published; what was published since has age 0.
// begun says whether that is known yet; see Began.
func (c *Census) Hear(m *realtime.Message, b *Said, age time.Duration, begun bool, now time.Time) {
	if m.Origin == c.instance {
		return
	}
	if b.Query != nil { // whoever asks need be no instance
		answer(c, m, b.Query, now)
		return
	}
	if !begun {
		if len(b.Asks) > 0 && len(c.early) < mostEarly {
			c.early = append(c.early, early{m.Origin, b.body, m.Time})
		}
		return
	}
	if age > 0 { // of before: what it said then it says again, as it is asked to
		c.asks(m.Origin, b.body, age, now)
		return
	}
	o := c.others[m.Origin]
	switch {
	case o == nil:
		o = &other{epoch: b.Epoch}
		c.others[m.Origin] = o
	case b.Epoch < o.epoch || b.Epoch == o.epoch && o.bye:
		return
	case b.Epoch > o.epoch:
		c.forget(m.Origin)
		*o = other{epoch: b.Epoch}
	}
	o.until = now.Add(Lease)
	if b.Bye {
		o.until, o.bye = now.Add(byeAfter), true
		unask(c, m.Origin)
		return
	}
	c.asks(m.Origin, b.body, 0, now)
	if b.Report != nil {
		c.reported(m, b, now)
	}
}

// reported takes in what another instance has.
func (c *Census) reported(m *realtime.Message, b *Said, now time.Time) {
	s := c.subjects[m.Channel]
	if s == nil || !s.wanted {
		return
	}
	r := s.reports[m.Origin]
	if r == nil {
		r = &reported{keys: map[string]struct{}{}}
		if s.reports == nil {
			s.reports = map[string]*reported{}
		}
		s.reports[m.Origin] = r
	}
	switch {
	case b.N <= r.last:
		return // it has come before
	case b.Report.After == 0:
		if r.before == nil {
			r.before = map[string]struct{}{}
		}
		for key := range r.keys {
			r.before[key] = struct{}{}
		}
		clear(r.keys)
	case b.Report.After != r.last:
		if r.missed.IsZero() {
			r.missed = now
		}
		c.dirty[m.Channel] = struct{}{}
		return
	}
	r.last, r.missed = b.N, time.Time{}
	for key, value := range b.values {
		r.keys[key] = struct{}{}
		c.owner.Heard(m.Channel, m.Origin, key, value)
	}
	for _, key := range b.Report.Gone {
		if _, has := r.keys[key]; has {
			delete(r.keys, key)
			c.owner.Heard(m.Channel, m.Origin, key, nil)
		}
	}
	if r.before == nil || b.Report.More {
		return
	}
	for key := range r.before {
		if _, has := r.keys[key]; !has {
			c.owner.Heard(m.Channel, m.Origin, key, nil)
		}
	}
	r.before = nil
}

// forget drops what an instance has said.
func (c *Census) forget(origin string) {
	for _, s := range c.subjects {
		c.drop(s, origin)
	}
}

// drop drops what an instance has said of a subject.
func (c *Census) drop(s *subject, origin string) {
	r := s.reports[origin]
	if r == nil {
		return
	}
	delete(s.reports, origin)
	for key := range r.before {
		r.keys[key] = struct{}{}
	}
	for key := range r.keys {
		c.owner.Heard(s.channel, origin, key, nil)
	}
}

// unask ends all that an instance asks.
func unask(c *Census, origin string) {
	for _, s := range c.subjects {
		if a := s.asked[origin]; a != nil {
			delete(s.asked, origin)
			if !s.isAsked() {
				s.quiet()
			}
			c.rest(s)
		}
	}
}

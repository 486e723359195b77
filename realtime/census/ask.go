package census

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// mostAsks is how many subjects one message asks for.
const mostAsks = 200

// ask asks the others for subjects.
func (c *Census) ask(now time.Time, fresh bool, subjects ...*subject) {
	asks := make([]ask, len(subjects))
	for i, s := range subjects {
		asks[i] = ask{Tenant: s.channel.Tenant(), Channel: s.channel.Name(), Fresh: fresh}
		if fresh {
			s.again = now
			continue
		}
		asks[i].Have = make(map[string]uint64, len(s.reports))
		for instance, r := range s.reports {
			asks[i].Have[instance] = r.last
		}
	}
	c.send(realtime.Channel{}, &body{Asks: asks}, now, func() {
		for _, s := range subjects {
			if s.wanted {
				s.again = time.Time{} // nobody may have heard it
				c.dirty[s.channel] = struct{}{}
			}
		}
	})
}

// renew asks for all that is wanted, so that the asks go on.
func (c *Census) renew(now time.Time, fresh bool) {
	c.renewAt = time.Time{}
	batch := make([]*subject, 0, mostAsks)
	for _, s := range c.subjects {
		if !s.wanted {
			continue
		}
		c.renewAt = now.Add(renewEvery)
		if batch = append(batch, s); len(batch) == mostAsks {
			c.ask(now, fresh, batch...)
			batch = make([]*subject, 0, mostAsks)
		}
	}
	if len(batch) > 0 {
		c.ask(now, fresh, batch...)
	}
}

// Renew forgets what others have said of a subject that is wanted, and asks for it anew.
func (c *Census) Renew(ch realtime.Channel, now time.Time) {
	s := c.subjects[ch]
	if s == nil || !s.wanted {
		return
	}
	s.reports = nil
	c.ask(now, true, s)
}

// Restart says that messages may have been lost: what others have said of what is wanted is asked for anew.
func (c *Census) Restart(now time.Time) { c.renew(now, true) }

// early is an ask that a replay brought before its beacon: nobody knows yet how old it is.
type early struct {
	origin string
	body   *body
	time   time.Time
}

// mostEarly bounds those that are kept. Asks are renewed, so one that is dropped is heard later.
const mostEarly = 4096

// Began says that a replay has begun, when the broker's clock showed a moment: from then on Hear can be told how old a message is.
func (c *Census) Began(moment, now time.Time) {
	all := c.early
	c.early = nil
	for i := range all {
		c.asks(all[i].origin, all[i].body, moment.Sub(all[i].time), now)
	}
}

// asks takes in who wants to know of what. age is how long ago that was said.
func (c *Census) asks(origin string, b *body, age time.Duration, now time.Time) {
	until := now.Add(AskFor - max(age, 0))
	if !until.After(now) {
		return
	}
	for _, a := range b.Asks {
		ch, err := realtime.NewReadable(a.Tenant, a.Channel)
		if err != nil {
			continue
		}
		c.askedBy(origin, ch, a, b.N, until, now)
	}
}

func (c *Census) askedBy(origin string, ch realtime.Channel, a ask, n uint64, until, now time.Time) {
	s := c.subjects[ch]
	if s == nil && (a.Ends || len(c.subjects) >= MaxSubjects) {
		return
	}
	if s == nil {
		s = c.subject(ch)
	}
	begins := !a.Ends && !s.isAsked()
	have := s.asked[origin]
	if have == nil {
		have = &asking{}
		if s.asked == nil {
			s.asked = map[string]*asking{}
		}
		s.asked[origin] = have
	}
	fresh := a.Fresh && n > have.fresh // also one that a later ask has overtaken
	if fresh {
		have.fresh = n
	}
	if n > have.n {
		have.n, have.until, have.ended = n, until, a.Ends
	}
	switch {
	case !s.isAsked():
		s.quiet()
	case begins || fresh || s.sent == 0 || s.sent != a.Have[c.instance] && now.Sub(s.sentAt) >= againAfter:
		s.owes, s.changed = true, nil
		if now.Sub(s.wholeAt) >= Every {
			c.whole(s, now)
		} else {
			c.dirty[ch] = struct{}{}
		}
	}
}

// quiet says that nobody asks: what they have been told counts no more.
func (s *subject) quiet() { s.sent, s.owes, s.changed = 0, false, nil }

// lapse ends the asks that were not renewed.
func lapse(c *Census, now time.Time) {
	for _, s := range c.subjects {
		was := s.isAsked()
		for origin, a := range s.asked {
			if !now.Before(a.until) {
				delete(s.asked, origin)
			}
		}
		if was && !s.isAsked() {
			s.quiet()
		}
		c.rest(s)
	}
}

package census

import (
	"encoding/json"
	"time"
)

// whole reports all that this instance has of a subject. Who has never reported anything of it and has nothing says nothing.
func (c *Census) whole(s *subject, now time.Time) {
	s.owes, s.changed, s.wholeAt = false, nil, now
	told := s.sent != 0
	s.sent = 0
	part := pieces{c: c, s: s, now: now}
	for key, value := range c.owner.Own(s.channel) {
		part.set(key, value)
	}
	if part.size > 0 || told {
		part.flush(false)
	}
}

// change reports what has changed.
func (c *Census) change(s *subject, now time.Time) {
	changed := s.changed
	s.changed = nil
	if s.sent == 0 {
		c.whole(s, now)
		return
	}
	part := pieces{c: c, s: s, now: now}
	for key, value := range changed {
		if value == nil {
			part.gone(key)
		} else {
			part.set(key, value)
		}
	}
	if part.size > 0 {
		part.flush(false)
	}
}

// pieces makes messages of what is reported, none too large.
type pieces struct {
	c    *Census
	s    *subject
	now  time.Time
	r    report
	size int
}

func (p *pieces) set(key string, value json.RawMessage) {
	p.room(len(key) + len(value) + 8)
	if p.r.Set == nil {
		p.r.Set = map[string]json.RawMessage{}
	}
	p.r.Set[key] = value
}

func (p *pieces) gone(key string) {
	p.room(len(key) + 8)
	p.r.Gone = append(p.r.Gone, key)
}

func (p *pieces) room(bytes int) {
	if p.size > 0 && p.size+bytes > mostBytes {
		p.flush(true)
	}
	p.size += bytes
}

func (p *pieces) flush(more bool) {
	s, c := p.s, p.c
	r := p.r
	r.After, r.More = s.sent, more
	c.send(s.channel, &body{Report: &r}, p.now, func() { // who asks may lack it
		if s.isAsked() {
			s.owes, s.changed = true, nil
			c.dirty[s.channel] = struct{}{}
		}
	})
	s.sent, s.sentAt = c.n, p.now
	p.r, p.size = report{}, 0
}

package toy_test

import "github.com/tidewire/tidewire/realtime"

// publishIf decides a publication with a condition on whether its key has a value.
func (s *server) publishIf(p *realtime.Publication) (applied bool, err error) {
	s.mu.Lock()
	last := newest(s.log, p.Channel.Name())[p.Key]
	has := last != nil && last.Op == realtime.OpSet
	if has == (p.If.Is == realtime.ConditionPresent) || s.flaw == "a loser that counts" {
		s.mu.Unlock()
		return true, s.publish(p)
	}
	defer s.mu.Unlock()
	s.lost = append(s.lost, p)
	if s.flaw == "a loser live" {
		for c := range s.conns {
			if sub := c.subs[p.Channel.Name()]; sub != nil && c.user != stranger {
				c.say(c.message(nil, p))
			}
		}
	}
	return false, nil
}

// losers returns what a flaw shows of those that lost, or have passed.
func (s *server) losers(channel, how string) (shown []*realtime.Publication) {
	for _, p := range s.passed {
		if p.Channel.Name() == channel && s.flaw == "a transient event in "+how {
			shown = append(shown, p)
		}
	}
	for _, p := range s.lost {
		if p.Channel.Name() == channel && s.flaw == "a loser in "+how {
			shown = append(shown, p)
		}
	}
	return shown
}

package state

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Look has Sweep look at all states.
func (ss *Set) Look() {
	ss.hand = ss.hand[:0]
	for c := range ss.all {
		ss.hand = append(ss.hand, c)
	}
	spare(ss)
	ss.unkept.forget(time.Now().Add(-ss.o.Memory).UnixMilli())
}

// Sweep removes what has expired, forgets removals that nobody asks for any more, has states loaded again that are in doubt, and drops
// those that nobody needs. It reports whether there is more to be done.
func (ss *Set) Sweep(now time.Time) (more bool) {
	for giveUp(ss) {
		if ss.o.Effects.Tired() {
			return true
		}
	}
	for n := len(ss.hand); n > 0; n = len(ss.hand) {
		c := ss.hand[n-1]
		s := ss.all[c]
		if s != nil && !s.durable { // what could not be decided has expired, whatever it was
			s.Settle(now.Add(-realtime.MaxUnstoredTTL-ss.o.Skew).UnixMilli(), func(string) bool { return true }, now)
		}
		if s != nil && (s.Expire(now, channel.MostSteps) == channel.MostSteps || ss.prune(s, now)) || ss.o.Effects.Tired() {
			return true // and here again
		}
		ss.hand = ss.hand[:n-1]
		switch {
		case s == nil:
		case s.Readers() > 0:
			s.touched = now
			if s.durable && unloaded(s) && now.Sub(s.tried) > reloadEvery {
				ss.load(c, s)
			}
		case now.Sub(s.touched) > ss.o.Memory && now.Sub(time.UnixMilli(s.since)) > ss.o.Memory && len(s.waiting) == 0 && !s.loading:
			if !record.Holds(s.Table) {
				ss.drop(c, s)
			}
		}
	}
	return false
}

// prune forgets removals that are older than what a stream may bring again. While a checkpoint is being laid over they stay, since that may be older. It
// reports whether there are more.
func (ss *Set) prune(s *state, now time.Time) (more bool) {
	return !s.loading && s.Table.Prune(now.Add(-ss.o.Memory), channel.MostSteps)
}

// reloadEvery is how often a state that is in doubt is loaded again, until its checkpoint is newer than the doubt.
const reloadEvery = 15 * time.Second

// drop forgets a state that nobody reads.
func (ss *Set) drop(c realtime.Channel, s *state) {
	if ss.o.Owner.Used(c, s.Keyed) {
		return
	}
	s.Table.Forget()
	delete(ss.all, c)
	ss.dropped = time.Now().UnixMilli()
}

// Release gives all of them up; nothing is followed any more. Who reads one is still given what it holds.
func (ss *Set) Release() {
	for _, s := range ss.all {
		record.ReleaseTable(s.Table)
	}
	clear(ss.all)
}

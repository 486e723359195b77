package pattern

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// mostTuned is how many readers are tuned in one hold of the lock.
const mostTuned = 64

// Tune changes how a subscription to a pattern is given its channels, and those that are yet to come, and returns what is applied. find returns
// it with the lock held, nil if there is none. The lock is not held, and is held for a part of the channels at a time. An error changes nothing.
func (ss *Set) Tune(p realtime.Pattern, find func() *Subscription, change func(channel.Want) (channel.Want, error)) (want channel.Want, err error) {
	ss.owner.Lock()
	s := find()
	if s == nil {
		ss.owner.Unlock()
		return want, realtime.Errorf(realtime.CodeNotFound, "channel: %q is not subscribed", p)
	}
	readers := slices.Collect(maps.Values(s.readers))
	want, err = change(*s.Want)
	ss.owner.Unlock()
	if err != nil {
		return want, err
	}
	for _, r := range readers { // compiled without the lock, it is at hand with it
		if _, err := s.View(r.Channel(), &want); err != nil {
			return want, err
		}
	}
	ss.owner.Lock()
	if err := ss.crowded(s, &want); err != nil {
		ss.owner.Unlock()
		return want, err
	}
	*s.Want = want
	readers = slices.Collect(maps.Values(s.readers)) // those that have come meanwhile as well
	for len(readers) > 0 {
		for _, r := range readers[:min(mostTuned, len(readers))] {
			ss.tune(s, r)
		}
		readers = readers[min(mostTuned, len(readers)):]
		ss.owner.Unlock()
		ss.owner.Lock()
	}
	ss.owner.Unlock()
	if name, _, _ := strings.Cut(string(p), ":"); name != "*" && name != "**" {
		rules := s.Rules(name)
		want.MaxRate = rules.GrantedRate(want.MaxRate)
	}
	return want, nil
}

// crowded refuses what would be too much for one of the channels.
func (ss *Set) crowded(s *Subscription, want *channel.Want) error {
	for _, r := range s.readers {
		if v, err := s.View(r.Channel(), want); err == nil {
			if err := channel.Crowded(r, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// tune has one reader given what the subscription wants, if it is still there.
func (ss *Set) tune(s *Subscription, r *channel.Reader) {
	if s.readers[r.Channel()] != r {
		return
	}
	v, err := s.View(r.Channel(), s.Want)
	if err != nil { // by rules that have changed meanwhile
		ss.fail(s, realtime.Errorf(realtime.CodeOf(err), "%v", err))
		return
	}
	rules := s.Rules(r.Channel().Namespace())
	channel.Apply(r, *s.Want, v, &rules, time.Now())
}

package pattern

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// State is what a Subscription to the states of channels has besides: each of them is given as a snapshot, and is put off while it is not known.
// The methods of a nil State are those of a Subscription to what happens.
type State struct {
	// Views are by what the client was shown what it has.
	Views map[realtime.Channel]string
	// Complete is told when the states have been given of all channels that there were at the beginning.
	Complete func()

	first  map[realtime.Channel]struct{} // of these, the ones that have yet to be given; nil: it has been told
	listed bool                          // first has all
	later  map[realtime.Channel]later    // those that are put off
}

// later is when to ask for a channel again.
type later struct {
	at      time.Time
	request channel.Request
}

// begin reads all channels of which something is known.
func (ss *Set) begin(s *Subscription, since map[realtime.Channel]realtime.Position, asOf int64, known []realtime.Channel) {
	s.State.first, s.State.later = map[realtime.Channel]struct{}{}, map[realtime.Channel]later{}
	for c, at := range since {
		ss.read(s, c, channel.Request{State: true, Since: at, View: s.State.Views[c], AsOf: asOf})
	}
	for _, c := range known {
		ss.read(s, c, channel.Request{State: true})
	}
	if !s.ended {
		ss.owner.List(s)
	}
}

// Listed is told of which channels a store has the states, or why that cannot be told.
func (ss *Set) Listed(s *Subscription, stored []realtime.Channel, err *realtime.Error) {
	if err != nil {
		ss.fail(s, err)
		return
	}
	for _, c := range stored {
		ss.read(s, c, channel.Request{State: true})
	}
	if s.State.listed = true; !s.ended {
		s.State.check()
	}
}

// reads notes that a channel is read.
func (st *State) reads(s *Subscription, c realtime.Channel, r *channel.Reader) {
	if st == nil || st.first == nil {
		return
	}
	if !st.listed {
		st.first[c] = struct{}{}
	}
	channel.Whole(r, func() {
		if s.readers[c] == r && st.first != nil {
			delete(st.first, c)
			st.check()
		}
	})
}

// check tells the client when it has been given all.
func (st *State) check() {
	if st.listed && st.first != nil && len(st.first) == 0 {
		st.first = nil
		st.Complete()
	}
}

// waits reports whether a channel is put off, and waiting how many are.
func (st *State) waits(c realtime.Channel) bool {
	if st == nil {
		return false
	}
	_, waits := st.later[c]
	return waits
}

func (st *State) waiting() int {
	if st == nil {
		return 0
	}
	return len(st.later)
}

// putOff has a channel asked for again whose state is not known at the moment. It is false if there is no use in that.
func (st *State) putOff(c realtime.Channel, q channel.Request, why *realtime.Error) bool {
	if st == nil || why.RetryAfter == 0 || why.Code != realtime.CodeUnavailable && why.Code != realtime.CodeLimited {
		return false
	}
	st.later[c] = later{time.Now().Add(why.RetryAfter), q}
	return true
}

// mostRetries is how many channels are asked for again in one hold of the lock.
const mostRetries = 64

// Retry asks again for what was put off. It reports whether there is more to be done.
func (ss *Set) Retry(now time.Time) (more bool) {
	n := 0
	for _, all := range ss.all {
		for _, s := range slices.Clone(all) {
			for c, l := range s.State.due(now) {
				if n++; n > mostRetries {
					return true
				}
				if s.ended {
					break
				}
				delete(s.State.later, c)
				ss.read(s, c, l)
			}
		}
	}
	return false
}

// due returns what is to be asked for again.
func (st *State) due(now time.Time) map[realtime.Channel]channel.Request {
	if st == nil || len(st.later) == 0 {
		return nil
	}
	due := map[realtime.Channel]channel.Request{}
	for c, l := range st.later {
		if !l.at.After(now) {
			due[c] = l.request
		}
	}
	return due
}

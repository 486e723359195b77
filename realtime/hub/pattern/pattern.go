// Package pattern has the subscriptions to all channels that a pattern selects, as a connection made them: each of them is a reader of
// each such channel of which something is to be known, those that begin to be included.
//
// A channel of which nothing is remembered has no reader: what has been published to it before has been given already. When
// something is published to it again, it is opened, and its reader goes on at the moment up to which everything of the topic has
// been handed on.
package pattern

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Owner is whoever follows the topic. Its lock is held whenever it is called, and guards a Set and all that it has.
type Owner interface {
	// Lock and Unlock are those of the lock, for Set.Tune alone.
	Lock()
	Unlock()
	// Place has a question answered.
	Place(q *channel.Question)
	// Detach ends a reader. It does not tell the client.
	Detach(r *channel.Reader)
	// CompleteSince returns since when nothing is missing of the channels of a tenant of which nothing is known, ms. What was had and
	// given up counts as missing if forgotten says so.
	CompleteSince(tenant string, forgotten bool) int64
	// List has Set.Listed told of the channels of which a store has the states.
	List(s *Subscription)
}

// Subscription is one subscription to a pattern.
type Subscription struct {
	Pattern realtime.Pattern
	Sub     string // what the client calls it; empty if it does not
	Tenant  string
	State   *State // what a subscription to the states of the channels has besides; nil: it is none
	// Reader returns a new reader for a channel, or says why there can be none; nil: the channel is none of the subscription's.
	Reader func(c realtime.Channel) (*channel.Reader, *realtime.Error)
	// Want is how the client wants the channels; Tune changes it. View is what it is shown of one then, and Rules are those of a namespace. Both
	// may be called without the lock.
	Want  *channel.Want
	View  func(c realtime.Channel, w *channel.Want) (*view.View, error)
	Rules func(namespace string) realtime.Namespace
	// Failed is told that the subscription has ended, and why.
	Failed func(*realtime.Error)
	// Missed is told that something may be missing in channels of which nothing is known, up to a moment.
	Missed func(ms int64)

	moment  int64 // everything published up to it has been given, but for what comes late, ms
	begun   int64 // nothing older is wanted, ms
	fresh   bool  // nor had
	sure    int64 // all published up to it was given, or is known to be missing, ms; 0: nothing was vouched for yet
	resumed bool  // and nothing has been vouched for since
	readers map[realtime.Channel]*channel.Reader
	ended   bool
}

// Readers returns those of the subscription. It is good until one comes or goes.
func (s *Subscription) Readers() map[realtime.Channel]*channel.Reader { return s.readers }

// Set has the subscriptions of a topic, by tenant.
type Set struct {
	owner        Owner
	margin, skew int64 // ms
	all          map[string][]*Subscription
}

// New returns an empty Set. margin is how much later than what vouches for it something may come, skew by how much publish times may differ.
func New(o Owner, margin, skew time.Duration) *Set {
	return &Set{owner: o, margin: margin.Milliseconds(), skew: skew.Milliseconds(), all: map[string][]*Subscription{}}
}

// Add begins a subscription. since says where the client stands in channels that it has read before; asOf, if it is not 0, is the moment up to which it has
// had everything of the others, but for what came late: that may be given again. Else it reads them from moment on. known are the channels of which something is known.
func (ss *Set) Add(s *Subscription, since map[realtime.Channel]realtime.Position, asOf, moment int64, known []realtime.Channel) {
	s.readers = map[realtime.Channel]*channel.Reader{}
	s.moment, s.begun, s.fresh = moment, moment-ss.skew, asOf == 0
	if asOf != 0 {
		s.moment, s.begun, s.sure, s.resumed = asOf, asOf-ss.margin, asOf-ss.margin, true
	}
	ss.all[s.Tenant] = append(ss.all[s.Tenant], s)
	if s.State != nil {
		ss.begin(s, since, asOf, known)
		return
	}
	for c, at := range since {
		ss.read(s, c, channel.Request{Since: at, AsOf: asOf})
	}
	for _, c := range known {
		q := channel.Request{AsOf: asOf, Quiet: true, Begins: s.begun} // from now on
		if !s.fresh {
			q.Since, q.Begins = realtime.Position{Time: s.begun}, 0
		}
		ss.read(s, c, q)
	}
}

// Opened is told that something has become known of a channel.
func (ss *Set) Opened(c realtime.Channel) {
	all := ss.all[c.Tenant()]
	for i := len(all) - 1; i >= 0; i-- { // from behind: one that ends meanwhile has the last in its place
		s := all[i]
		if s.State != nil {
			ss.read(s, c, channel.Request{State: true})
			continue
		}
		// Nothing was given that is remembered, so what came late is not given twice.
		q := channel.Request{Since: realtime.Position{Time: s.moment - ss.margin}, AsOf: s.moment, Quiet: true}
		if q.Since.Time <= s.begun {
			if q.Since.Time = s.begun; s.fresh {
				q.Begins = s.begun
			}
		}
		ss.read(s, c, q)
	}
}

// read has a subscription read a channel that its pattern selects, if it does not yet.
func (ss *Set) read(s *Subscription, c realtime.Channel, q channel.Request) {
	if s.ended || s.readers[c] != nil || s.State.waits(c) || c.Tenant() != s.Tenant || !s.Pattern.Match(c.Name(), "", nil) {
		return
	}
	if len(s.readers)+s.State.waiting() >= realtime.MaxPatternChannels {
		err := realtime.Errorf(realtime.CodeLimited, "channel: %q selects more than %d channels; subscribe to fewer of them", s.Pattern, realtime.MaxPatternChannels)
		err.Limit = "channelsPerPattern"
		ss.fail(s, err)
		return
	}
	r, refused := s.Reader(c)
	if refused != nil {
		ss.fail(s, refused)
		return
	}
	if r == nil {
		return
	}
	s.readers[c] = r
	s.State.reads(s, c, r)
	q.Channel, q.Sub, q.Roams = c, s.Sub, true
	ss.owner.Place(&channel.Question{Request: q, Reader: r, Asked: time.Now(), Refused: func(err *realtime.Error) {
		if s.readers[c] != r {
			return
		}
		if delete(s.readers, c); !s.State.putOff(c, q, err) {
			ss.fail(s, err)
		}
	}})
}

// fail ends a subscription that cannot go on.
func (ss *Set) fail(s *Subscription, why *realtime.Error) {
	if s.ended {
		return
	}
	ss.Remove(s)
	s.Failed(why)
}

// Remove ends a subscription.
func (ss *Set) Remove(s *Subscription) {
	if s.ended {
		return
	}
	s.ended = true
	all := ss.all[s.Tenant]
	for i, have := range all {
		if have == s {
			all[i] = all[len(all)-1]
			all[len(all)-1] = nil
			all = all[:len(all)-1]
			break
		}
	}
	if ss.all[s.Tenant] = all; len(all) == 0 {
		delete(ss.all, s.Tenant)
	}
	readers := s.readers
	s.readers = nil
	for _, r := range readers {
		ss.owner.Detach(r)
	}
}

// Idle ends a reader of whose channel nothing is left to be known. It reports false if it is none of these.
func (ss *Set) Idle(r *channel.Reader) bool {
	for _, s := range ss.all[r.Channel().Tenant()] {
		if s.readers[r.Channel()] == r {
			delete(s.readers, r.Channel())
			ss.owner.Detach(r)
			return true
		}
	}
	return false
}

// Vouch says up to which moment everything that was published has been handed on, ms.
func (ss *Set) Vouch(ms int64) {
	for _, all := range ss.all {
		for _, s := range all {
			ss.prove(s, ms)
			s.moment = max(s.moment, ms)
		}
	}
}

// prove tells of what may be missing of channels that nobody knows: by their names, nobody could be told of it.
func (ss *Set) prove(s *Subscription, ms int64) {
	if s.State != nil {
		return // states are told as they are, of whatever has become of them
	}
	if s.sure == 0 {
		s.sure = ms
		return
	}
	if complete := ss.owner.CompleteSince(s.Tenant, s.resumed); s.sure < complete {
		s.Missed(complete)
		s.sure = complete
	}
	s.sure, s.resumed = max(s.sure, ms-ss.margin), false
}

// Any reports whether there is a subscription.
func Any(ss *Set) bool { return len(ss.all) > 0 }

package cursor

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// Max is how many channels of a pattern a Set remembers: as many as a server reads for it at once. Beyond that, those are
	// forgotten that have been quiet for longest; asOf speaks for them.
	Max = realtime.MaxPatternChannels
	// maxPositions is how many of them the server is told by name, the newest first; asOf speaks for the others. It is less than a
	// pattern may read, to leave room for channels that have begun meanwhile.
	maxPositions = Max / 2
	// stalled is how much later than a heartbeat an event may come that was published before its asOf, in ms: until then its channel's
	// IDs are remembered.
	stalled = 60_000
)

// Set is where a subscription stands in all of its channels: its only one, or those that a pattern selects.
type Set struct {
	name    string
	pattern bool
	state   bool
	all     map[string]*Cursor
	// About channels that have no Cursor: up to forgotten something may have been had of them, and what comes by the
	// connection that there is may repeat what is not newer than repeats.
	forgotten, repeats int64
}

// New returns a Set for a channel, or for a pattern, whose state is read or not.
func New(name string, state bool) *Set {
	s := &Set{name: name, pattern: realtime.IsSelection(name), state: state, all: map[string]*Cursor{}}
	if !s.pattern {
		s.all[name] = &Cursor{Channel: name}
	}
	return s
}

// Only is the Cursor of the channel of a Set that is for one.
func (s *Set) Only() *Cursor { return s.all[s.name] }

// Of returns where the subscription stands in a channel, nil if that is none of its channels.
func (s *Set) Of(channel string) *Cursor {
	if u := s.all[channel]; u != nil || !s.pattern || realtime.IsSelection(channel) || !realtime.Pattern(s.name).Match(channel, "", nil) {
		return u
	}
	if len(s.all) >= Max {
		s.forget()
	}
	u := &Cursor{Channel: channel, Partial: s.state, floor: s.repeats, doubt: s.repeats > 0}
	s.all[channel] = u
	return u
}

// Known is Of, without a Cursor for a channel that is new.
func (s *Set) Known(channel string) *Cursor { return s.all[channel] }

// forget makes room for another Cursor.
func (s *Set) forget() {
	oldest := slices.MinFunc(slices.Collect(maps.Values(s.all)), func(a, b *Cursor) int { return cmp.Compare(a.Position.Time, b.Position.Time) })
	s.forgotten = max(s.forgotten, oldest.Position.Time)
	if oldest.floor > 0 { // which may be about to be repeated
		s.repeats = max(s.repeats, oldest.Position.Time)
	}
	delete(s.all, oldest.Channel)
}

// Positions are those that the server is told, of about so many bytes; nil if there are none.
func (s *Set) Positions(room int) map[string]realtime.Position {
	var all map[string]realtime.Position
	for _, u := range slices.SortedFunc(maps.Values(s.all), func(a, b *Cursor) int { return cmp.Compare(b.Position.Time, a.Position.Time) }) {
		const punctuation = 20
		if room -= len(u.Channel) + len(u.Position.ID) + punctuation; room < 0 || len(all) == maxPositions {
			break
		}
		if u.Position.IsZero() {
			continue
		}
		if all == nil {
			all = map[string]realtime.Position{}
		}
		all[u.Channel] = u.Position
	}
	return all
}

// Views are by what was shown what the server is told these positions of, but for what everything was shown of; nil if there are none.
func (s *Set) Views(of map[string]realtime.Position) map[string]string {
	var all map[string]string
	for channel := range of {
		if view := s.all[channel].View; view != "" {
			if all == nil {
				all = map[string]string{}
			}
			all[channel] = view
		}
	}
	return all
}

// Begin says that another connection brings the channels, which was sent these positions, and these views with them: it answers about each of
// them. moved: the one before has brought more meanwhile.
func (s *Set) Begin(sent map[string]realtime.Position, views map[string]string, moved bool, now time.Time) {
	s.repeats = s.forgotten
	for _, u := range s.all {
		_, u.Owed = sent[u.Channel]
		u.Asked = views[u.Channel]
		if u.floor = 0; moved || !u.Owed {
			u.Repeats(now)
		}
	}
}

// Answered takes the answer about a channel that was sent by name, and returns its Cursor, nil if there is none to be answered; moved is what
// Begin was told.
func (s *Set) Answered(channel string) (u *Cursor, moved bool) {
	if u = s.all[channel]; u == nil || !u.Owed {
		return nil, false
	}
	u.Owed = false
	return u, u.floor != 0
}

// Complete forgets the channels of which the server has nothing to say any more: all others have been answered.
func (s *Set) Complete() {
	maps.DeleteFunc(s.all, func(_ string, u *Cursor) bool { return u.Owed })
}

// Reset forgets where the subscription stands.
func (s *Set) Reset() {
	for _, u := range s.all {
		u.Position = realtime.Position{}
	}
}

// Settle forgets what an asOf has made superfluous.
func (s *Set) Settle(asOf int64) {
	if asOf-stalled >= s.forgotten {
		s.forgotten = 0
	}
	for _, u := range s.all {
		if s.pattern && u.Position.Time < asOf-stalled {
			u.recent = recent{}
		}
	}
}

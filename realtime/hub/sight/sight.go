// Package sight has the readers of a Table together who are shown the same, and finds those of them whom a change concerns: by what it shows and what it
// takes the place of. The others are not looked at.
package sight

import (
	"iter"

	"github.com/tidewire/tidewire/realtime/hub/lane"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Sight has the readers of a Table who are shown the same.
type Sight[R any] struct {
	record.Sight
	Seats []*Seat[R] // of its readers; good until one comes or goes

	by    *view.Equality // by which it is found; nil: it is asked about everything
	found bool           // by the change that is looked at
	left  bool           // it is in Sights.left
}

// Seat is the place of a Reader. One without a Sight is none.
type Seat[R any] struct {
	Reader R

	sight *Sight[R]
	at    int // in sight.Seats
}

// Sight returns the one that has the place; nil if none has.
func (s *Seat[R]) Sight() *Sight[R] { return s.sight }

// Sights are those of a Table. The zero value has none. They are guarded by their owner.
type Sights[R any] struct {
	byID  map[string]*Sight[R]
	views lane.Index[*Sight[R]]
	left  []*Sight[R] // out of which keys have gone that somebody may not have been told of
	found []*Sight[R] // by the newest change
	parts int         // how many show only some columns
}

// Enter gives a reader a place among those who are shown what a View shows. events says that they are told what happens, and joined up to which change the
// reader may not have been told of any; see record.Sight.
func (ss *Sights[R]) Enter(seat *Seat[R], v *view.View, events bool, joined uint64) {
	s := ss.byID[v.ID()]
	if s == nil {
		s = &Sight[R]{Sight: record.Sight{View: v, Events: events}}
		if ss.byID == nil {
			ss.byID = map[string]*Sight[R]{}
		}
		ss.byID[v.ID()] = s
		s.by = ss.views.Add(v, s)
		ss.part(v, 1)
	}
	s.Joined = max(s.Joined, joined)
	seat.sight, seat.at = s, len(s.Seats)
	s.Seats = append(s.Seats, seat)
}

// Exit takes the place from a reader.
func (ss *Sights[R]) Exit(seat *Seat[R]) {
	s := seat.sight
	last := len(s.Seats) - 1
	s.Seats[seat.at] = s.Seats[last]
	s.Seats[seat.at].at = seat.at
	s.Seats[last] = nil
	seat.sight = nil
	if s.Seats = s.Seats[:last]; last == 0 {
		delete(ss.byID, s.View.ID())
		ss.views.Remove(s.View, s.by, s)
		ss.part(s.View, -1)
	}
}

// part counts Sights that show only some columns.
func (ss *Sights[R]) part(v *view.View, n int) {
	if v.Columns() != nil {
		ss.parts += n
	}
}

// Compares reports whether any reader is told of a change only if some columns have changed: what was before is to be kept.
func (ss *Sights[R]) Compares() bool { return ss.parts > 0 }

// Resume gives a reader that is the only one of its Sight what was known of the one that it had before: what has gone out of sight.
func (ss *Sights[R]) Resume(seat *Seat[R], before *Sight[R]) {
	if s := seat.sight; len(s.Seats) == 1 && before != nil {
		s.Sight = before.Sight
		ss.note(s)
	}
}

func (ss *Sights[R]) note(s *Sight[R]) {
	if !s.left && s.Left() {
		s.left = true
		ss.left = append(ss.left, s)
	}
}

// Undecided is how many Views have filters that are asked about everything. has says that v is one of those that there are.
func (ss *Sights[R]) Undecided(v *view.View) (n int, has bool) {
	return ss.views.Undecided(), ss.byID[v.ID()] != nil
}

// Readers goes through all of them.
func (ss *Sights[R]) Readers() iter.Seq[R] {
	return func(yield func(R) bool) {
		for _, s := range ss.byID {
			for _, seat := range s.Seats {
				if !yield(seat.Reader) {
					return
				}
			}
		}
	}
}

// See has the Sights take note of a change, and returns those to whose readers it has something to tell. That is good until the next change. Each change is
// to be seen, at once. panicked is told of readers about whose View nobody knows, because asking it has panicked: they are among those that are returned.
func (ss *Sights[R]) See(t *record.Table, c *record.Change, panicked func(r R, fault any)) []*Sight[R] {
	found := ss.found[:0]
	decided := c.Look(t, func(look *record.Look) {
		ss.views.May(look, func(s *Sight[R]) {
			if !s.found {
				s.found = true
				found = append(found, s)
			}
		})
	})
	if !decided {
		for _, s := range ss.byID {
			found = append(found, s)
		}
	}
	news := found[:0]
	for _, s := range found {
		s.found = false
		if s.saw(t, c, panicked) {
			news = append(news, s)
		}
		ss.note(s)
	}
	clear(found[len(news):])
	ss.found = news
	return news
}

// saw has a Sight take note of a change.
func (s *Sight[R]) saw(t *record.Table, c *record.Change, panicked func(r R, fault any)) (news bool) {
	defer func() {
		if fault := recover(); fault != nil {
			for _, seat := range s.Seats {
				panicked(seat.Reader, fault)
			}
		}
	}()
	news = true // if nobody knows, for a panic //nolint:wastedassign // it is what is returned then
	news = s.See(t, c)
	return news
}

// Forget says that nobody is behind any more.
func (ss *Sights[R]) Forget() {
	for _, s := range ss.left {
		s.Forget()
		s.left = false
	}
	clear(ss.left)
	ss.left = ss.left[:0]
}

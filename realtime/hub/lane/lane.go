// Package lane says who is shown an entry of a channel: its readers who are shown the same are on one Lane, and what they are shown is decided once
// for all of them. Lanes whose View asks for some values of a name are found by these, and not asked about everything.
package lane

import (
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Lane has the readers of a channel who are shown the same. Those who are shown everything are on its Plain one.
type Lane[R any] struct {
	Readers []R // good until one comes or goes

	given int // of Readers, the first so many have been given what is on its way
	view  *view.View
	by    *view.Equality // by which it is found; nil: it is asked about everything
}

// Reader is one that can be on a Lane.
type Reader[R any] interface {
	// Seat is where its place is kept.
	Seat() *Seat[R]
	// View is what it is shown; nil: everything.
	View() *view.View
}

// Seat is the place of a reader. The zero Seat is none.
type Seat[R any] struct {
	lane *Lane[R]
	at   int // in lane.Readers
}

// Taken reports whether the reader is on a Lane.
func (s *Seat[R]) Taken() bool { return s.lane != nil }

// Lanes are those of a channel. Who asks for nothing pays for nothing: without Views there is the one lane. They are guarded by their owner.
type Lanes[R Reader[R]] struct {
	Plain Lane[R]

	views Index[*Lane[R]] // those with a View
	byID  map[string]*Lane[R]
}

// of returns the lane of a View.
func (ls *Lanes[R]) of(v *view.View) *Lane[R] {
	if v == nil {
		return &ls.Plain
	}
	if l := ls.byID[v.ID()]; l != nil {
		return l
	}
	l := &Lane[R]{view: v}
	if ls.byID == nil {
		ls.byID = map[string]*Lane[R]{}
	}
	ls.byID[v.ID()] = l
	l.by = ls.views.Add(v, l)
	return l
}

// Undecided is how many Views have filters that are asked about everything. has says that v is one of those that there are.
func (ls *Lanes[R]) Undecided(v *view.View) (n int, has bool) {
	return ls.views.Undecided(), ls.byID[v.ID()] != nil
}

// drop forgets a lane that has no readers.
func (ls *Lanes[R]) drop(l *Lane[R]) {
	if l == &ls.Plain || len(l.Readers) > 0 {
		return
	}
	delete(ls.byID, l.view.ID())
	ls.views.Remove(l.view, l.by, l)
}

// Enter puts a reader on the Lane of its View, and Exit takes it off.
func (ls *Lanes[R]) Enter(r R) {
	l, seat := ls.of(r.View()), r.Seat()
	seat.lane, seat.at = l, len(l.Readers)
	l.Readers = append(l.Readers, r)
}

// Exit takes a reader off its Lane. Of those that stay, none is passed over by what is on its way, and none has it twice.
func (ls *Lanes[R]) Exit(r R) {
	seat := r.Seat()
	l, free := seat.lane, seat.at
	if free < l.given {
		l.given--
		move(l, l.given, free)
		free = l.given
	}
	last := len(l.Readers) - 1
	if free != last {
		move(l, last, free)
	}
	var none R
	l.Readers[last] = none
	l.Readers, seat.lane = l.Readers[:last], nil
	ls.drop(l)
}

// move puts a reader in another place.
func move[R Reader[R]](l *Lane[R], from, to int) {
	r := l.Readers[from]
	l.Readers[to] = r
	r.Seat().at = to
}

// Begin says that something is on its way to the readers of a Lane, and Part returns the next who are to be given it, so many at most. Those who come
// meanwhile come last.
func (l *Lane[R]) Begin() { l.given = 0 }

// Part returns the next of those readers; none if all have been given what is on its way.
func (l *Lane[R]) Part(most int) []R {
	n := min(most, len(l.Readers)-l.given)
	part := l.Readers[l.given : l.given+n]
	l.given += n
	return part
}

// Choice is a Lane that is shown something of an entry.
type Choice[R any] struct {
	Lane *Lane[R]
	Pass record.Pass
}

// Divided reports whether any Lane has a View.
func (ls *Lanes[R]) Divided() bool { return len(ls.byID) > 0 }

// Choose appends the Lanes with a View that are shown something of what is looked at: each is asked once, and those that a name decides only if the
// name has their value. panicked is told of readers about whose View nobody knows, because asking it has panicked.
func (ls *Lanes[R]) Choose(all []Choice[R], look *record.Look, panicked func(r R, fault any)) []Choice[R] {
	ls.views.May(look, func(l *Lane[R]) {
		if pass := l.sees(look, panicked); pass.Shown() {
			all = append(all, Choice[R]{l, pass})
		}
	})
	return all
}

// sees asks what a Lane is shown.
func (l *Lane[R]) sees(look *record.Look, panicked func(r R, fault any)) (p record.Pass) {
	defer func() {
		if fault := recover(); fault != nil {
			for _, r := range l.Readers {
				panicked(r, fault)
			}
		}
	}()
	return look.For(l.view)
}

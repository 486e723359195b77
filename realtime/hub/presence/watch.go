package presence

import (
	"iter"
	"maps"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
)

// View is who is present on a channel: Members of whom there are Count. Truncated says that not all are named.
type View struct {
	Members   []realtime.Member
	Count     int
	Truncated bool
}

// Changes are those who have come and gone, and those with other data.
type Changes struct{ Joined, Left, Updated []realtime.Member }

// News is what the watchers of a channel are told.
type News[W comparable] struct {
	Changes
	View           // Members is nil unless all are named anew: after they were too many
	Names     bool // there is something to tell who watches
	Occupancy      // how many read the channel
	Counts    bool // there is something to tell who counts
	Watchers  iter.Seq[W]
	Counters  iter.Seq[W]
}

// Ready wants to know who is present on a channel, and returns from when on that is known. Rest is due when it is of no more use.
func (b *Board[W]) Ready(c realtime.Channel, now time.Time) time.Time {
	r := b.rooms[c]
	if r == nil || !r.wanted {
		b.Census.Want(c, now) // which opens a room
		r = b.rooms[c]
		r.wanted, r.settled = true, now.Add(census.Settle)
		linger(b, c, r, now)
	}
	return r.settled
}

// View returns who is present on a channel for which Ready was called.
func (b *Board[W]) View(c realtime.Channel) (v View) {
	r := b.rooms[c]
	if r == nil {
		return v
	}
	v.Members, v.Count = r.members(), r.present
	v.Truncated = r.crowd || len(v.Members) < v.Count
	return v
}

// Occupancy returns how many read a channel for which Ready was called.
func (b *Board[W]) Occupancy(c realtime.Channel) Occupancy {
	r := b.rooms[c]
	if r == nil {
		return Occupancy{}
	}
	return r.occupancy()
}

func (r *room[W]) occupancy() Occupancy { return Occupancy{r.connections, len(r.users)} }

// Watch has a connection told who comes and goes on a channel for which Ready was called, and Count how many read it.
func (b *Board[W]) Watch(c realtime.Channel, w W) { stay(b, c).watchers[w] = struct{}{} }

// Count has it told how many read it.
func (b *Board[W]) Count(c realtime.Channel, w W) {
	stay(b, c).counters[w] = struct{}{}
	b.dirty[c] = struct{}{}
}

func stay[W comparable](b *Board[W], c realtime.Channel) *room[W] {
	r := b.rooms[c]
	if !r.lingers.IsZero() {
		r.lingers = time.Time{}
		b.lingering--
	}
	return r
}

// Unwatch ends Watch, and Uncount Count.
func (b *Board[W]) Unwatch(c realtime.Channel, w W, now time.Time) {
	if r := b.rooms[c]; r != nil {
		if delete(r.watchers, w); len(r.watchers) == 0 {
			clear(r.told)
			r.crowd = false
		}
		b.rest(c, r, now)
	}
}

// Uncount ends Count.
func (b *Board[W]) Uncount(c realtime.Channel, w W, now time.Time) {
	if r := b.rooms[c]; r != nil {
		delete(r.counters, w)
		b.rest(c, r, now)
	}
}

func (b *Board[W]) rest(c realtime.Channel, r *room[W], now time.Time) {
	if len(r.watchers)+len(r.counters)+r.holds == 0 && r.wanted && r.lingers.IsZero() {
		linger(b, c, r, now)
	}
}

// linger lets a room that nobody watches be forgotten after a while: at once if many are remembered already, after it is known what there is.
func linger[W comparable](b *Board[W], c realtime.Channel, r *room[W], now time.Time) {
	r.lingers = now.Add(Linger)
	if b.lingering++; b.lingering > MaxLingering {
		r.lingers = r.settled
	}
	b.dirty[c] = struct{}{}
}

// Tick does what is due, once a second: it ends graces, forgets rooms, and yields what the watchers of each channel are to be told.
func (b *Board[W]) Tick(now time.Time) iter.Seq2[realtime.Channel, News[W]] {
	return func(yield func(realtime.Channel, News[W]) bool) {
		for c := range b.dirty {
			r := b.rooms[c]
			graces(b, c, r, now)
			if n, ok := r.news(now); ok && !yield(c, n) {
				return
			}
			if !r.lingers.IsZero() && !now.Before(r.lingers) {
				r.lingers, r.wanted = time.Time{}, false
				b.lingering--
				b.Census.Release(c, now) // which closes the room, unless others want to know
			}
			if r.idle() {
				delete(b.dirty, c)
			}
		}
	}
}

// News returns what the watchers of a channel have not been told yet.
func (b *Board[W]) News(c realtime.Channel, now time.Time) (n News[W], ok bool) {
	if r := b.rooms[c]; r != nil {
		return r.news(now)
	}
	return n, false
}

// idle reports whether nothing is due.
func (r *room[W]) idle() bool {
	return len(r.leaving) == 0 && r.lingers.IsZero() && !r.crowd && len(r.told) == 0
}

// graces ends the graces that are over.
func graces[W comparable](b *Board[W], c realtime.Channel, r *room[W], now time.Time) {
	for key, until := range r.leaving {
		if now.Before(until) {
			continue
		}
		delete(r.leaving, key)
		if p := r.people[key]; p != nil && p.leaves {
			p.leaves = false
			b.stand(c, r, key, p)
		}
	}
}

// news returns what the watchers have not been told.
func (r *room[W]) news(now time.Time) (n News[W], ok bool) {
	n.Watchers, n.Counters = maps.Keys(r.watchers), maps.Keys(r.counters)
	if o := r.occupancy(); o != r.counted {
		n.Occupancy, n.Counts, r.counted = o, true, o
	}
	changed := len(r.told)
	if crowd := r.present > r.rules.Max || changed > crowdChanges; crowd {
		r.crowd, r.calm = true, now.Add(crowdCalm)
	}
	n.Count = r.present
	switch {
	case r.crowd && now.Before(r.calm):
		clear(r.told)
		n.Truncated, n.Names = true, changed > 0
	case r.crowd:
		r.crowd = false
		clear(r.told)
		n.Members, n.Names = r.members(), true
	default:
		n.Changes = r.changes()
		n.Names = len(n.Joined)+len(n.Left)+len(n.Updated) > 0
	}
	return n, n.Names && len(r.watchers) > 0 || n.Counts && len(r.counters) > 0
}

// Counts reports whether a connection is told how many read a channel.
func (b *Board[W]) Counts(c realtime.Channel, w W) bool {
	r := b.rooms[c]
	if r == nil {
		return false
	}
	_, is := r.counters[w]
	return is
}

// Unsettle says that what others have may be unknown until a moment.
func (b *Board[W]) Unsettle(until time.Time) {
	for _, r := range b.rooms {
		r.settled = until
	}
}

// Hold has Changed told of each change on a channel for which Ready was called, and Unhold ends that.
func (b *Board[W]) Hold(c realtime.Channel) { stay(b, c).holds++ }

// Unhold ends it.
func (b *Board[W]) Unhold(c realtime.Channel, now time.Time) {
	if r := b.rooms[c]; r != nil {
		r.holds--
		b.rest(c, r, now)
	}
}

// Members are all that are present on a channel, by key.
func (b *Board[W]) Members(c realtime.Channel) iter.Seq2[string, realtime.Member] {
	return func(yield func(string, realtime.Member) bool) {
		r := b.rooms[c]
		if r == nil {
			return
		}
		for key, p := range r.people {
			if p.present > 0 && !yield(key, p.member()) {
				return
			}
		}
	}
}

// Ruled returns the channels of a tenant whose rooms have other rules than those of its document.
func Ruled[W comparable](b *Board[W], t *realtime.Tenant) []realtime.Channel {
	var others []realtime.Channel
	for c, r := range b.rooms {
		if c.Tenant() == t.ID && r.rules != t.Rules(c.Namespace()).Presence.WithDefaults() {
			others = append(others, c)
		}
	}
	return others
}

// Rebuild empties a room and gives it other rules. What others have is to be heard anew by a moment; until then those who watch are told numbers, and then
// who is there.
func Rebuild[W comparable](b *Board[W], c realtime.Channel, rules *realtime.Presence, until time.Time) {
	old, is := b.rooms[c], newRoom[W](rules.WithDefaults())
	is.watchers, is.counters, is.wanted, is.holds, is.lingers = old.watchers, old.counters, old.wanted, old.holds, old.lingers
	is.crowd, is.calm, is.settled = true, until, until
	b.rooms[c] = is
	b.dirty[c] = struct{}{}
	if old.holds > 0 {
		for key := range old.people {
			b.Changed(c, key, nil)
		}
	}
}

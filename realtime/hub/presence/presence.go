// Package presence keeps who is present on the channels of which somebody wants to know it.
package presence

import (
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Every is how long news are gathered, so that a page reload is none
// and a crowd is one frame.
const Every = time.Second

// MaxMembers bounds the members named in one answer; the count is always whole.
const MaxMembers = 1000

// Linger is how long is remembered who is present on a channel that nobody watches any more,
// so that who asks again and again does not have all its readers counted each time; MaxLingering
// bounds for how many channels.
const (
	Linger       = 10 * time.Second
	MaxLingering = 256
)

// Board has a watch for each channel of which somebody has asked who is present. W is who watches. The zero Board is
// ready. It is not safe for concurrent use.
type Board[W comparable] struct {
	watches   map[realtime.Channel]*watch[W]
	lingering int    // of watches, those that nobody watches
	turn      uint64 // of the last gathering of news
}

// watch is who is present on a channel.
type watch[W comparable] struct {
	users    map[string]*present
	watchers map[W]struct{}
	changed  map[string]bool // users whose presence may have changed: were they told to be here
	turn     uint64          // of the gathering under way, 0 if none is
	lingers  bool            // it is looked at again when it may be forgotten
}

type present struct {
	member realtime.Member
	n      int // subscribed connections
}

// Len is how many channels are watched or remembered.
func (b *Board[W]) Len() int { return len(b.watches) }

// Watches reports whether it is known who is present on a channel.
func (b *Board[W]) Watches(c realtime.Channel) bool { return b.watches[c] != nil }

// Open begins to know who is present on a channel: those, one for each connection that is subscribed.
func (b *Board[W]) Open(c realtime.Channel, there iter.Seq[*realtime.Principal]) {
	w := &watch[W]{users: map[string]*present{}, watchers: map[W]struct{}{}, changed: map[string]bool{}}
	for p := range there {
		w.come(p)
	}
	if b.watches == nil {
		b.watches = map[realtime.Channel]*watch[W]{}
	}
	b.watches[c] = w
}

// Members returns who is present on a channel that is known, MaxMembers of them at most, and how many there are.
func (b *Board[W]) Members(c realtime.Channel) ([]realtime.Member, int) {
	w := b.watches[c]
	members := make([]realtime.Member, 0, min(len(w.users), MaxMembers))
	for _, u := range w.users {
		if len(members) == MaxMembers {
			break
		}
		members = append(members, u.member)
	}
	return members, len(w.users)
}

// Watch has a watcher told of what changes on a channel that is known.
func (b *Board[W]) Watch(c realtime.Channel, watcher W) {
	b.watches[c].watchers[watcher] = struct{}{}
}

// Unwatch ends that. Rest is due.
func (b *Board[W]) Unwatch(c realtime.Channel, watcher W) {
	delete(b.watches[c].watchers, watcher)
}

// Rest forgets who is present on a channel that is known if nobody watches it: at once if
// many are remembered already. Otherwise it returns what is to be called when Linger has passed, nil if nothing is.
func (b *Board[W]) Rest(c realtime.Channel) (forget func()) {
	w := b.watches[c]
	if len(w.watchers) > 0 || w.lingers {
		return nil
	}
	clear(w.changed)
	if b.lingering >= MaxLingering {
		delete(b.watches, c)
		return nil
	}
	w.lingers = true
	b.lingering++
	return func() {
		w.lingers = false
		b.lingering--
		if b.watches[c] == w && len(w.watchers) == 0 {
			delete(b.watches, c)
		}
	}
}

// Come counts a connection that has subscribed. If that is the first news of a gathering, it returns the turn of it: News are
// due when Every has passed.
func (b *Board[W]) Come(c realtime.Channel, p *realtime.Principal) (turn uint64, begins bool) {
	w := b.watches[c]
	if w == nil || !w.come(p) {
		return 0, false
	}
	return b.change(w, p.User, false)
}

// Leave counts one that is not subscribed any more, as Come does.
func (b *Board[W]) Leave(c realtime.Channel, user string) (turn uint64, begins bool) {
	w := b.watches[c]
	if w == nil || !w.leave(user) {
		return 0, false
	}
	return b.change(w, user, true)
}

// change notes what the watchers were last told of a user.
func (b *Board[W]) change(w *watch[W], user string, was bool) (turn uint64, begins bool) {
	if len(w.watchers) == 0 {
		return 0, false
	}
	if _, noted := w.changed[user]; !noted {
		w.changed[user] = was
	}
	if w.turn != 0 {
		return 0, false
	}
	b.turn++
	w.turn = b.turn
	return w.turn, true
}

// Gathers reports whether the gathering of a turn is under way: its news have not been told otherwise.
func (b *Board[W]) Gathers(c realtime.Channel, turn uint64) bool {
	w := b.watches[c]
	return w != nil && w.turn == turn
}

// News is what has changed on a channel since its watchers were last told.
type News[W comparable] struct {
	Came, Gone []realtime.Member
	Count      int // of who is present
	Watchers   iter.Seq[W]
}

// News returns what has changed on a channel, and ends the gathering. ok is false if nothing has.
func (b *Board[W]) News(c realtime.Channel) (n News[W], ok bool) {
	w := b.watches[c]
	if w == nil {
		return n, false
	}
	w.turn = 0
	for user, was := range w.changed {
		switch u := w.users[user]; {
		case u != nil && !was:
			n.Came = append(n.Came, u.member)
		case u == nil && was:
			n.Gone = append(n.Gone, realtime.Member{User: user})
		}
	}
	clear(w.changed)
	n.Count = len(w.users)
	n.Watchers = func(yield func(W) bool) {
		for watcher := range w.watchers {
			if !yield(watcher) {
				return
			}
		}
	}
	return n, len(n.Came)+len(n.Gone) > 0
}

func (w *watch[W]) come(p *realtime.Principal) (first bool) {
	u := w.users[p.User]
	if u == nil {
		u = &present{member: realtime.Member{User: p.User, Groups: p.Groups}}
		w.users[p.User] = u
	}
	u.n++
	return u.n == 1
}

func (w *watch[W]) leave(user string) (last bool) {
	u := w.users[user]
	if u == nil {
		return false
	}
	if u.n--; u.n == 0 {
		delete(w.users, user)
	}
	return u.n == 0
}

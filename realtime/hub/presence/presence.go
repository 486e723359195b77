package presence

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Linger is how long is remembered who is present on a channel that nobody watches any more,
// so that who asks again and again does not have all instances asked each time; MaxLingering
// bounds for how many channels.
const (
	Linger       = 10 * time.Second
	MaxLingering = 256
)

// A crowd is more than Presence.Max members, or more than crowdChanges of them that come and go in a second: its members are not named. They
// are named again when it has been calm for crowdCalm.
const (
	crowdChanges = 50
	crowdCalm    = 10 * time.Second
)

// Census is what the board needs of one.
type Census interface {
	Want(c realtime.Channel, now time.Time)
	Release(c realtime.Channel, now time.Time)
	Put(c realtime.Channel, key string, value json.RawMessage, now time.Time)
}

// Board has a room for each channel of which somebody, here or elsewhere, wants to know who is present. W is a connection of this instance. It is
// not safe for concurrent use. Its methods take channels without a room, and do nothing then unless they say so.
type Board[W comparable] struct {
	// Census tells other instances, and says what they have told.
	Census Census
	// Changed is told of each member that has changed; nil: it is none any more.
	Changed func(c realtime.Channel, key string, m *realtime.Member)

	rooms     map[realtime.Channel]*room[W]
	dirty     map[realtime.Channel]struct{} // rooms with something for the next Tick
	lingering int
}

// Len is how many channels there are rooms for.
func (b *Board[W]) Len() int { return len(b.rooms) }

// Bytes is about what all rooms take. Whoever counts it asks now and then.
func Bytes[W comparable](b *Board[W]) (n int) {
	for _, r := range b.rooms {
		n += roomCost + r.bytes
	}
	return n
}

// roomCost is about what a room takes in which nobody is.
const roomCost = 1 << 10

// Open makes a room for a channel, by the rules of its namespace, which Close removes. Who is connected is told by Come and Enter afterwards.
func (b *Board[W]) Open(c realtime.Channel, rules *realtime.Presence) {
	if b.rooms == nil {
		b.rooms, b.dirty = map[realtime.Channel]*room[W]{}, map[realtime.Channel]struct{}{}
	}
	b.rooms[c] = newRoom[W](rules.WithDefaults())
}

// Close removes the room of a channel.
func (b *Board[W]) Close(c realtime.Channel) {
	if r := b.rooms[c]; r != nil && !r.lingers.IsZero() {
		b.lingering--
	}
	delete(b.rooms, c)
	delete(b.dirty, c)
}

// Own returns what this instance says of a channel, as package census has it.
func (b *Board[W]) Own(c realtime.Channel) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		r := b.rooms[c]
		if r == nil {
			return
		}
		for key, p := range r.people {
			if value := p.own.encode(); value != nil && !yield(key, value) {
				return
			}
		}
	}
}

// Heard takes in what another instance says, as Parse has read it; nil: nothing any more.
func (b *Board[W]) Heard(c realtime.Channel, instance, key string, is *Standing) {
	r := b.rooms[c]
	if r == nil {
		return
	}
	r.heard(instance, key, is)
	b.dirty[c] = struct{}{}
	show(b, c, r, key)
}

// Come counts a subscription of a connection.
func (b *Board[W]) Come(c realtime.Channel, who *Who, w W) {
	if r := b.rooms[c]; r != nil {
		key, p, l := r.link(who, w)
		l.subscriptions++
		p.leaves = false
		delete(r.leaving, key)
		b.stand(c, r, key, p)
	}
}

// Leave counts one less. lost says that the connection was: who has no other is present for Presence.Grace.
func (b *Board[W]) Leave(c realtime.Channel, who *Who, w W, lost bool, now time.Time) {
	part(b, c, who, w, lost, now, func(l *link) { l.subscriptions = max(l.subscriptions-1, 0) })
}

// Enter says with which data a connection has entered, and Exit that it has not.
func (b *Board[W]) Enter(c realtime.Channel, who *Who, w W, data json.RawMessage, at time.Time) {
	if r := b.rooms[c]; r != nil {
		key, p, l := r.link(who, w)
		l.entered = &entry{data, at.UnixMilli()}
		p.leaves = false
		delete(r.leaving, key)
		b.stand(c, r, key, p)
	}
}

// Exit ends that; lost is as that of Leave.
func (b *Board[W]) Exit(c realtime.Channel, who *Who, w W, lost bool, now time.Time) {
	part(b, c, who, w, lost, now, func(l *link) { l.entered = nil })
}

func part[W comparable](b *Board[W], c realtime.Channel, who *Who, w W, lost bool, now time.Time, less func(*link)) {
	r := b.rooms[c]
	if r == nil {
		return
	}
	key := r.key(who)
	p := r.people[key]
	if p == nil || p.links[w] == nil {
		return
	}
	less(p.links[w])
	if lost && p.own.Present && !p.leaves && !r.stays(p) {
		p.leaves = true
		r.leaving[key] = now.Add(time.Duration(r.rules.Grace))
	}
	b.stand(c, r, key, p)
}

// stays reports whether a member is present by a connection that it has.
func (r *room[W]) stays(p *person[W]) bool {
	for _, l := range p.links {
		if l.entered != nil || l.subscriptions > 0 && r.rules.Members == realtime.PresenceSubscribed {
			return true
		}
	}
	return false
}

// stand says anew what is said of somebody here.
func (b *Board[W]) stand(c realtime.Channel, r *room[W], key string, p *person[W]) {
	if r.stand(key, p) {
		b.Census.Put(c, key, p.own.encode(), time.Now())
		b.dirty[c] = struct{}{}
		show(b, c, r, key)
	} else if len(r.leaving) > 0 {
		b.dirty[c] = struct{}{}
	}
}

// show says what a member is now to who wants to know of each.
func show[W comparable](b *Board[W], c realtime.Channel, r *room[W], key string) {
	if r.holds == 0 {
		return
	}
	if p := r.people[key]; p != nil && p.present > 0 {
		m := p.member()
		b.Changed(c, key, &m)
		return
	}
	b.Changed(c, key, nil)
}

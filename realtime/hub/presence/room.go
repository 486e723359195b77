package presence

import (
	"bytes"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// room is who is present on one channel.
type room[W comparable] struct {
	rules    realtime.Presence
	people   map[string]*person[W] // by user, or by connection
	leaving  map[string]time.Time  // until when those are present whose last connection was lost
	watchers map[W]struct{}        // who is told who comes and goes
	counters map[W]struct{}        // who is told how many there are

	present     int            // members
	connections int            // that read the channel
	users       map[string]int // that read it: how many entries of each do

	told    map[string]told // what the watchers were last told of those who may have changed
	counted Occupancy       // what the counters were last told
	crowd   bool            // they were too many to be named
	calm    time.Time       // since when they are not
	settled time.Time       // when all that others have is known
	lingers time.Time       // until when it is remembered though nobody watches; zero while somebody does
	wanted  bool
	bytes   int // about what all of them take
	holds   int // by whom each change is to be known
}

// told is what the watchers were told of somebody.
type told struct {
	is     bool
	member realtime.Member // if it was there
}

// Occupancy is how many read a channel.
type Occupancy struct{ Connections, Users int }

func newRoom[W comparable](rules realtime.Presence) *room[W] {
	return &room[W]{
		rules: rules, people: map[string]*person[W]{}, leaving: map[string]time.Time{}, users: map[string]int{},
		watchers: map[W]struct{}{}, counters: map[W]struct{}{}, told: map[string]told{},
	}
}

func (r *room[W]) key(who *Who) string {
	if r.rules.Of == realtime.PresenceOfConnection {
		return who.Connection
	}
	return who.User
}

// person returns what is known of somebody, from now on.
func (r *room[W]) person(key string) *person[W] {
	p := r.people[key]
	if p == nil {
		p = &person[W]{}
		r.people[key] = p
	}
	return p
}

// link returns what is known of a connection, from now on.
func (r *room[W]) link(who *Who, w W) (string, *person[W], *link) {
	key := r.key(who)
	p := r.person(key)
	if p.links == nil {
		p.links = map[W]*link{}
	}
	l := p.links[w]
	if l == nil {
		l = &link{}
		p.links[w] = l
	}
	if p.own.User == "" {
		p.own.User, p.own.Groups = who.User, who.Groups
		if r.rules.Of == realtime.PresenceOfConnection {
			p.own.Connection = who.Connection
		}
	}
	return key, p, l
}

// stand says anew what is said of somebody here. It reports whether that has changed.
func (r *room[W]) stand(key string, p *person[W]) bool {
	is := p.own
	is.Present, is.Subscribed, is.Data, is.At = p.leaves, 0, nil, 0
	for _, l := range p.links {
		if l.subscriptions > 0 {
			is.Subscribed++
			is.Present = is.Present || r.rules.Members == realtime.PresenceSubscribed
		}
		if l.entered != nil {
			is.Present = true
			if newer(l.entered.data, l.entered.at, is.Data, is.At) {
				is.Data, is.At = l.entered.data, l.entered.at
			}
		}
	}
	if p.leaves && is.Data == nil { // it is as it was until it has left
		is.Data, is.At = p.own.Data, p.own.At
	}
	if is.equal(&p.own) {
		r.drop(key, p)
		return false
	}
	r.note(key, p)
	was := p.own
	p.own = is
	r.counts(p, &was, &is)
	r.drop(key, p)
	return true
}

// heard takes in what another instance says of somebody; nil: nothing any more.
func (r *room[W]) heard(instance, key string, is *Standing) {
	p := r.person(key)
	was := p.others[instance]
	if is == nil {
		is = &Standing{}
	}
	if is.equal(&was) {
		r.drop(key, p)
		return
	}
	r.note(key, p)
	if p.others == nil {
		p.others = map[string]Standing{}
	}
	if is.is() {
		p.others[instance] = *is
	} else {
		delete(p.others, instance)
	}
	r.counts(p, &was, is)
	r.drop(key, p)
}

// note remembers what the watchers were told of somebody of whom something changes.
func (r *room[W]) note(key string, p *person[W]) {
	if _, noted := r.told[key]; noted || len(r.watchers) == 0 {
		return
	}
	t := told{is: p.present > 0}
	if t.is {
		t.member = p.member()
	}
	r.told[key] = t
}

// counts counts what an instance says of somebody instead of what it said before.
func (r *room[W]) counts(p *person[W], was, is *Standing) {
	r.bytes += is.bytes() - was.bytes()
	before := p.present > 0
	if was.Present {
		p.present--
	}
	if is.Present {
		p.present++
	}
	switch after := p.present > 0; {
	case after && !before:
		r.present++
	case before && !after:
		r.present--
	}
	r.connections += is.Subscribed - was.Subscribed
	if was.Subscribed > 0 {
		if r.users[was.User]--; r.users[was.User] == 0 {
			delete(r.users, was.User)
		}
	}
	if is.Subscribed > 0 {
		r.users[is.User]++
	}
}

// drop forgets somebody of whom there is nothing to say.
func (r *room[W]) drop(key string, p *person[W]) {
	for w, l := range p.links {
		if l.subscriptions == 0 && l.entered == nil {
			delete(p.links, w)
		}
	}
	if len(p.links) == 0 && !p.leaves {
		p.own = Standing{}
		if len(p.others) == 0 {
			delete(r.people, key)
		}
	}
}

// members returns who is present, as many as are named.
func (r *room[W]) members() []realtime.Member {
	all := make([]realtime.Member, 0, min(r.present, r.rules.Max))
	for _, p := range r.people {
		if len(all) == r.rules.Max {
			break
		}
		if p.present > 0 {
			all = append(all, p.member())
		}
	}
	return all
}

// changes returns what the watchers have not been told.
func (r *room[W]) changes() (c Changes) {
	for key, was := range r.told {
		p := r.people[key]
		switch is := p != nil && p.present > 0; {
		case is && !was.is:
			c.Joined = append(c.Joined, p.member())
		case !is && was.is:
			c.Left = append(c.Left, realtime.Member{User: was.member.User, Connection: was.member.Connection})
		case is:
			if m := p.member(); !bytes.Equal(m.Data, was.member.Data) {
				c.Updated = append(c.Updated, m)
			}
		}
	}
	clear(r.told)
	return c
}

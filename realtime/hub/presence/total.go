package presence

import (
	"encoding/json"
	"iter"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/distinct"
)

// How many names an instance tells apart from those at others: of many channels, and of one.
const (
	NamedOfMany = 32
	NamedOfOne  = 2048
)

// Total is how many read a channel, and how many are present on it: what one instance says.
type Total struct {
	Connections int              `json:"connections"`
	Users       int              `json:"users"`
	Who         *distinct.Sketch `json:"who,omitempty"` // the users
	Present     int              `json:"present,omitempty"`
	Members     *distinct.Sketch `json:"members,omitempty"` // who is present, where they are too many to be named
}

// ParseTotal reads what an instance says; nil: what it cannot have said.
func ParseTotal(value json.RawMessage) *Total {
	t := new(Total)
	if json.Unmarshal(value, t) != nil || t.Connections < 0 || t.Users < 0 || t.Present < 0 {
		return nil
	}
	return t
}

// Encode returns it as ParseTotal reads it.
func (t *Total) Encode() json.RawMessage {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // its fields always can be
	}
	return text
}

// Readers counts those who read a channel, each once.
func Readers(who iter.Seq[*Who]) *Total {
	t, users := &Total{Who: distinct.New(NamedOfMany)}, map[string]struct{}{}
	for w := range who {
		t.Connections++
		users[w.User] = struct{}{}
	}
	for u := range users {
		t.Who.Add(u)
	}
	t.Users = len(users)
	return t
}

// Look returns who is present on a channel at this instance, as Parse reads it, and how many read it; of more than most members only the number. The channel need
// have no room: then fill says who is there to one that is made for the moment.
func Look[W comparable](b *Board[W], c realtime.Channel, rules *realtime.Presence, most int, fill func(*Board[W])) (map[string]json.RawMessage, *Total) {
	r := b.rooms[c]
	if r == nil {
		moment := Board[W]{Census: unheard{}}
		moment.Open(c, rules)
		fill(&moment)
		r = moment.rooms[c]
	}
	t := &Total{Who: distinct.New(NamedOfOne)}
	rows, users := map[string]json.RawMessage{}, map[string]struct{}{}
	for key, p := range r.people {
		if p.own.Subscribed > 0 {
			t.Connections += p.own.Subscribed
			users[p.own.User] = struct{}{}
		}
		if !p.own.Present {
			continue
		}
		if t.Present++; t.Present <= most {
			rows[key] = p.own.encode()
		}
	}
	for u := range users {
		t.Who.Add(u)
	}
	t.Users = len(users)
	if t.Present <= most {
		return rows, t
	}
	t.Members = distinct.New(NamedOfOne)
	for key, p := range r.people {
		if p.own.Present {
			t.Members.Add(key)
		}
	}
	return nil, t
}

// Said is what one instance says of a channel: its members by key, as Parse reads them, or of too many only the number.
type Said struct {
	Instance string
	Members  map[string]json.RawMessage
	Total    *Total
}

// Together returns who is present on a channel, and how many read it, as instances say. Numbers of those who are not named are estimates, to within a few percent, if
// several instances have some.
func Together(c realtime.Channel, rules *realtime.Presence, said []Said) (v View, o Occupancy) {
	b := Board[int]{Census: unheard{}}
	b.Open(c, rules)
	users, members, crowd, sum := distinct.Union{Most: NamedOfOne}, distinct.Union{Most: NamedOfOne}, false, 0
	for _, s := range said {
		o.Connections += s.Total.Connections
		sum += s.Total.Present
		users.Add(s.Total.Users, s.Total.Who)
		if s.Total.Present > len(s.Members) {
			crowd = true
			members.Add(s.Total.Present, s.Total.Members)
			continue
		}
		keys := distinct.New(NamedOfOne)
		for key, value := range s.Members {
			keys.Add(key)
			b.Heard(c, s.Instance, key, Parse(value))
		}
		members.Add(len(s.Members), keys)
	}
	o.Users = users.Count()
	if !crowd {
		return b.View(c), o
	}
	v = View{Count: members.Count(), Truncated: true}
	if b.rooms[c].rules.Of == realtime.PresenceOfConnection {
		v.Count = sum // each is at one instance
	}
	return v, o
}

// unheard is a Census that tells nobody.
type unheard struct{ Census }

func (unheard) Put(realtime.Channel, string, json.RawMessage, time.Time) {}

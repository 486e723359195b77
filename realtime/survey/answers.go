package survey

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/internal/distinct"
)

// Presence is who is present on a channel, and how many read it.
type Presence struct {
	presence.View
	presence.Occupancy
	Heard
}

// Presence asks who is present on a channel, by the rules of its namespace. Of more than Presence.Max members only the number is told, to within a few
// percent if several instances have some. Errors: CodeLimited, CodeUnavailable, CodeNotFound if the tenant has no topic.
func (s *Surveyor) Presence(ctx context.Context, t *realtime.Tenant, c realtime.Channel) (*Presence, error) {
	rules := t.Rules(c.Namespace()).Presence.WithDefaults()
	q, err := s.ask(ctx, t, census.Query{About: census.AboutPresence, Of: c.Name(), Limit: rules.Max})
	if err != nil {
		return nil, err
	}
	p := &Presence{Heard: q.heard}
	var said []presence.Said
	for instance, a := range q.answers {
		for _, part := range a.parts {
			if total := presence.ParseTotal(part.Total); total != nil {
				said = append(said, presence.Said{Instance: instance, Members: part.Rows, Total: total})
			}
		}
	}
	p.View, p.Occupancy = presence.Together(c, &rules, said)
	return p, nil
}

// Page selects some of what there is, in the order of names: those that begin with Prefix and follow After, at most Limit, 1 to 1000.
type Page struct {
	Prefix, After string
	Limit         int
}

// Wanted is a channel of a namespace that is read, and how.
type Wanted struct {
	Channel string
	demand.Row
}

// Demand is a page of what is wanted of a namespace.
type Demand struct {
	Channels []Wanted
	More     bool
	Heard
}

// Demand asks which channels of a namespace are wanted. Errors: as Presence.
func (s *Surveyor) Demand(ctx context.Context, t *realtime.Tenant, namespace string, page Page) (*Demand, error) {
	q, err := s.ask(ctx, t, census.Query{About: census.AboutDemand, Of: namespace, Prefix: page.Prefix, After: page.After, Limit: page.Limit})
	if err != nil {
		return nil, err
	}
	said := map[string][]*demand.Row{}
	for key, value := range q.rows {
		if row := demand.Parse(value); row != nil {
			said[key] = append(said[key], row)
		}
	}
	names, more := together(q, maps.Keys(said), page)
	d := &Demand{Heard: q.heard, More: more, Channels: make([]Wanted, len(names))}
	for i, name := range names {
		d.Channels[i] = Wanted{Channel: name, Row: *demand.Sum(slices.Values(said[name]))}
	}
	return d, nil
}

// Read is a channel that is read, and by how many.
type Read struct {
	Channel string
	presence.Occupancy
}

// Channels is a page of the channels of a tenant that are read.
type Channels struct {
	Channels []Read
	More     bool
	Heard
}

// Channels asks which channels are read. Errors: as Presence.
func (s *Surveyor) Channels(ctx context.Context, t *realtime.Tenant, page Page) (*Channels, error) {
	q, err := s.ask(ctx, t, census.Query{About: census.AboutChannels, Prefix: page.Prefix, After: page.After, Limit: page.Limit})
	if err != nil {
		return nil, err
	}
	said := map[string]*readers{}
	for key, value := range q.rows {
		total := presence.ParseTotal(value)
		if total == nil {
			continue
		}
		if said[key] == nil {
			said[key] = &readers{users: distinct.Union{Most: presence.NamedOfMany}}
		}
		said[key].connections += total.Connections
		said[key].users.Add(total.Users, total.Who)
	}
	names, more := together(q, maps.Keys(said), page)
	all := &Channels{Heard: q.heard, More: more, Channels: make([]Read, len(names))}
	for i, name := range names {
		all.Channels[i] = Read{Channel: name, Occupancy: presence.Occupancy{Connections: said[name].connections, Users: said[name].users.Count()}}
	}
	return all, nil
}

// readers are those of a channel, at all instances.
type readers struct {
	connections int
	users       distinct.Union
}

// Explained is who would be given an event.
type Explained struct {
	Lines []explain.Line // by user, connection and subscription
	More  bool
	Heard
}

// Explain asks who would be given an event, which has been checked and is not published: whoever reads its channel, or what becomes of it for the connections of
// a user. There are so many lines at most, 1 to 1000. Errors: as Presence.
func (s *Surveyor) Explain(ctx context.Context, t *realtime.Tenant, event *realtime.Publication, user string, most int) (*Explained, error) {
	q, err := s.ask(ctx, t, census.Query{About: census.AboutExplain, Event: census.EventOf(event), User: user, Limit: most})
	if err != nil {
		return nil, err
	}
	e := &Explained{Heard: q.heard, Lines: []explain.Line{}}
	for _, value := range q.rows {
		var l explain.Line
		if json.Unmarshal(value, &l) == nil && l.Outcome != "" {
			e.Lines = append(e.Lines, l)
		}
	}
	slices.SortFunc(e.Lines, func(a, b explain.Line) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Sub, b.Sub))
	})
	e.More = saysMore(q)
	if len(e.Lines) > most {
		e.Lines, e.More = e.Lines[:most], true
	}
	return e, nil
}

// saysMore reports whether an instance has left something out.
func saysMore(q *question) bool {
	for _, a := range q.answers {
		for _, part := range a.parts {
			if part.More {
				return true
			}
		}
	}
	return false
}

// together makes a page of what instances have answered, each its first names. Each has said all that it has of those in the page: if it has left names out, it has named
// as many as the page has, and so none of the page's comes after them.
func together(q *question, names iter.Seq[string], page Page) (first []string, more bool) {
	more = saysMore(q)
	if first = slices.Sorted(names); len(first) > page.Limit {
		first, more = first[:page.Limit], true
	}
	return first, more
}

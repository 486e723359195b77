package fleet

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/hub/presence"
)

// What one hold of the lock does at most for a query: the rest is done in others.
const (
	channelsAtOnce = 200
	readersAtOnce  = 2000
)

// mostRows is how many rows an instance answers at most.
const mostRows = 1001

// Query answers what somebody asks who does not follow the topic.
func (s subjects[W]) Query(q *census.Query, reply func(*census.Answer)) {
	switch q.About {
	case census.AboutPresence:
		if c, err := realtime.NewChannel(q.Tenant, q.Of); err == nil {
			reply(members(s.f, c, q.Limit))
		}
	case census.AboutDemand:
		if subject, err := realtime.NewReadable(q.Tenant, realtime.ReservedDemand+":"+q.Of); err == nil {
			(&answering[W]{f: s.f, reply: reply, row: func(c realtime.Channel) (json.RawMessage, int) {
				row := s.f.tally.Look(subject, c)
				return demand.Encode(row), row.Watchers
			}}).begin(q, s.f.tally.Shown(subject))
		}
	case census.AboutChannels:
		if realtime.CheckTenantID(q.Tenant) == nil {
			(&answering[W]{f: s.f, reply: reply, row: func(c realtime.Channel) (json.RawMessage, int) {
				total := presence.Readers(there(s.f, c))
				return total.Encode(), total.Connections
			}}).begin(q, s.f.owner.Channels(q.Tenant, ""))
		}
	case census.AboutExplain:
		explained(s.f, q, reply)
	}
}

// members answers who is present on a channel here, by name if they are no more than may be.
func members[W comparable](f *Fleet[W], c realtime.Channel, most int) *census.Answer {
	rows, total := presence.Look(&f.board, c, f.owner.Document(c.Tenant()).Rules(c.Namespace()).Presence, most, func(b *presence.Board[W]) { fill(f, b, c) })
	return &census.Answer{Last: true, Rows: rows, Total: total.Encode()}
}

// there are those who read a channel here, each once.
func there[W comparable](f *Fleet[W], c realtime.Channel) iter.Seq[*presence.Who] {
	return func(yield func(*presence.Who) bool) {
		seen := map[W]struct{}{}
		for w := range f.owner.There(c) {
			if _, has := seen[w]; has {
				continue
			}
			seen[w] = struct{}{}
			if !yield(f.owner.Who(w)) {
				return
			}
		}
	}
}

// answering is a query about many channels, answered some at a time.
type answering[W comparable] struct {
	f     *Fleet[W]
	reply func(*census.Answer)
	// row is what is said of a channel, and how many readers were looked at.
	row   func(realtime.Channel) (json.RawMessage, int)
	names []realtime.Channel // that are left
	more  bool               // than were asked for
	part  int
}

// begin answers with those of all that are asked for.
func (a *answering[W]) begin(q *census.Query, all iter.Seq[realtime.Channel]) {
	limit := min(max(q.Limit, 0), mostRows)
	a.names, a.more = first(all, q.Prefix, q.After, limit)
	a.some()
}

// some answers a part.
func (a *answering[W]) some() {
	answer := &census.Answer{Part: a.part, Rows: map[string]json.RawMessage{}}
	bytes, readers := 0, 0
	for len(a.names) > 0 && len(answer.Rows) < channelsAtOnce && readers < readersAtOnce && bytes < census.MostBytes {
		c := a.names[0]
		a.names = a.names[1:]
		value, n := a.row(c)
		answer.Rows[c.Name()] = value
		readers += n
		bytes += len(c.Name()) + len(value)
	}
	if answer.Last = len(a.names) == 0; answer.Last {
		answer.More = a.more
	} else {
		a.part++
		a.f.owner.After(0, a.some)
	}
	a.reply(answer)
}

// first returns the channels whose names begin with prefix and come first after one, and whether there are more. A channel may be named twice.
func first(all iter.Seq[realtime.Channel], prefix, after string, limit int) (names []realtime.Channel, more bool) {
	byName := func(a, b realtime.Channel) int { return strings.Compare(a.Name(), b.Name()) }
	cut := func() {
		slices.SortFunc(names, byName)
		if names = slices.Compact(names); len(names) > limit {
			names, more = names[:limit], true
		}
	}
	for c := range all {
		if name := c.Name(); strings.HasPrefix(name, prefix) && name > after && (!more || limit > 0 && len(names) >= limit && name < names[limit-1].Name()) {
			if names = append(names, c); len(names) >= 2*limit+64 {
				cut()
			}
		}
	}
	cut()
	return names, more
}

// Each is what is made of each reader.
func Each[T any](readers iter.Seq[*channel.Reader], of func(*channel.Reader) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for r := range readers {
			if !yield(of(r)) {
				return
			}
		}
	}
}

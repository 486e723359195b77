// Package mirror has the channels that an instance makes itself: their state is what it, and others, know of something else, as rows.
package mirror

import (
	"encoding/json"
	"iter"
	"log/slog"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Memory is how long removed rows are remembered.
const Memory = time.Minute

// Options configure a Set. All but Budget are required.
type Options struct {
	Effects *channel.Effects // where the Set puts what follows
	Metrics realtime.Metrics
	Log     *slog.Logger
	Budget  *budget.Budget
	// Document returns the one in force of a tenant.
	Document func(tenant string) *realtime.Tenant
	// Rows are those of a channel now.
	Rows func(realtime.Channel) iter.Seq2[string, json.RawMessage]
}

// Set has the channels that are read. It is guarded by the lock of its owner.
type Set struct {
	o        Options
	channels *channel.Set
	keyed    map[realtime.Channel]*channel.Keyed
	reads    map[realtime.Channel]struct{} // those with readers
	clock    int64                         // of the newest row, ms
	rows     uint64
}

// New returns a Set without channels.
func New(o Options) *Set {
	s := &Set{o: o, keyed: map[realtime.Channel]*channel.Keyed{}, reads: map[realtime.Channel]struct{}{}}
	nothing := func(realtime.Channel) {}
	s.channels = channel.New(channel.Options{
		Effects: o.Effects, Metrics: o.Metrics, Log: o.Log, Budget: o.Budget, Memory: Memory, Local: true,
		Document: o.Document, Home: func(*realtime.Tenant) bool { return true },
		State: s.state, Doubt: nothing, Begun: nothing, Unkept: nothing,
		After: func(realtime.Channel, time.Duration, func()) *time.Timer {
			panic("mirror: no reader is given what comes at once")
		},
	})
	return s
}

// state returns what is known of a channel's state, from now on.
func (s *Set) state(c realtime.Channel, _ bool) *channel.Keyed {
	k := s.keyed[c]
	if k == nil {
		rules := s.o.Document(c.Tenant()).Rules(c.Namespace()).State.WithDefaults()
		t := record.NewTable(c, rules, record.TableOptions{Budget: s.o.Budget, Unencodable: func(realtime.Channel) {}})
		k = channel.NewKeyed(t, s.o.Effects, s.o.Metrics)
		k.Known = func() *realtime.Error { return nil }
		s.keyed[c] = k
	}
	return k
}

// Ask answers a question with the rows of its channel, and lets its reader have what changes of them.
func (s *Set) Ask(q *channel.Question) {
	c := q.Request.Channel
	m := s.channels.Open(c)
	if _, reads := s.reads[c]; !reads {
		s.reads[c] = struct{}{}
		for key, value := range s.o.Rows(c) {
			s.o.Effects.Steps++
			s.take(m, key, value)
		}
	}
	m.Ask(q)
}

// Put says that a row has changed; a value of nil: there is none any more.
func (s *Set) Put(c realtime.Channel, key string, value json.RawMessage) {
	if _, reads := s.reads[c]; reads {
		s.take(s.channels.Open(c), key, value)
	}
}

func (s *Set) take(m *channel.Machine, key string, value json.RawMessage) {
	now := time.Now()
	s.clock = max(s.clock, now.UnixMilli())
	s.rows++
	p := realtime.Publication{Channel: m.Record().Channel(), ID: strconv.FormatUint(s.rows, 36), Key: key, Data: value, Time: time.UnixMilli(s.clock)}
	if value == nil {
		p.Op = realtime.OpDelete
	}
	m.Take(&realtime.Message{Kind: realtime.KindPublication, Publication: p}, false, now)
}

// Idle reports whether a channel has no reader left, and forgets its rows then.
func (s *Set) Idle(c realtime.Channel) bool {
	if m := s.channels.Get(c); m != nil && len(m.Readers()) > 0 {
		return false
	}
	if _, reads := s.reads[c]; !reads {
		return false
	}
	delete(s.reads, c)
	if k := s.keyed[c]; k != nil {
		m := realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "clear", Op: realtime.OpClear, Time: time.UnixMilli(s.clock)}}
		k.Apply(&m, time.Now())
	}
	return true
}

// Turn forgets what is not needed any more, some at a time. It reports whether there is more.
func (s *Set) Turn(now time.Time) (more bool) {
	s.channels.Look(1)
	if s.channels.Age(now) {
		return true
	}
	for c, k := range s.keyed {
		if k.Table.Prune(now.Add(-Memory), channel.MostSteps) {
			return true
		}
		if s.channels.Get(c) == nil && k.Readers() == 0 {
			k.Table.Forget()
			delete(s.keyed, c)
		}
	}
	return false
}

// Release gives back what the Set holds.
func (s *Set) Release() {
	for _, k := range s.keyed {
		record.ReleaseTable(k.Table)
	}
	clear(s.keyed)
	s.channels.Records().Release()
}

// Reads reports whether somebody reads a channel.
func (s *Set) Reads(c realtime.Channel) bool {
	_, reads := s.reads[c]
	return reads
}

// Package state is what an instance knows of the states of a topic's channels: checkpoints that a store has, and what has come since.
//
// A Set outlives the streams that bring what changes. What has come is kept from the first stream on, also of channels that nobody
// reads, and so a checkpoint need not be newer than that. It is loaded when the first reader asks. What the store has and what has come
// need not come in order: a Table knows of each key what is newer.
package state

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Owner is whoever follows the topic. Its lock guards a Set and all that it has.
type Owner interface {
	Lock()
	Unlock()
	// Ask has the question of a subscribe answered. The lock is not held.
	Ask(q *channel.Question)
	// Document returns the one in force of a tenant.
	Document(tenant string) *realtime.Tenant
	// Used reports whether a stream shows the readers of a channel what a Keyed has.
	Used(c realtime.Channel, k *channel.Keyed) bool
	// Stopped reports whether nothing is followed any more.
	Stopped() bool
	// Go runs something and sees to it that it has ended before its owner has.
	Go(func())
}

// Options configure a Set. Store and Budget may be nil.
type Options struct {
	Owner Owner
	Topic realtime.Topic
	// Placement says which topic carries a tenant.
	Placement func(*realtime.Tenant) realtime.Topic
	Store     realtime.StateStore // without it no state is durable
	Effects   *channel.Effects
	Metrics   realtime.Metrics
	Log       *slog.Logger
	Budget    *budget.Budget
	Margin    time.Duration   // how much newer than what has come a checkpoint must be, since one channel may stall
	Skew      time.Duration   // how far the clocks of publishers, the broker and instances may differ
	Memory    time.Duration   // how long removals are remembered, and what nobody reads
	Life      context.Context // ends when nothing is followed any more
}

// Set has the states of the channels of a topic. Its methods are called with the lock of its Owner held, but for Ask.
type Set struct {
	o   Options
	all map[realtime.Channel]*state
	// since is the moment from which on everything has come, in ms.
	since int64
	// dropped is when a state was last forgotten that held nothing, in ms.
	dropped int64
	unkept  unkept
	held    map[string]int     // bytes, by tenant
	spares  []realtime.Channel // that the sweep under way may give up
	hand    []realtime.Channel // those that the sweep under way has yet to look at
}

// New returns a Set of which nothing is known.
func New(o Options) *Set {
	return &Set{o: o, all: map[realtime.Channel]*state{}, unkept: unkept{}, held: map[string]int{}}
}

// state is that of one channel.
type state struct {
	*channel.Keyed
	durable bool
	// since is from which moment on all that came is in the Table, in ms, if that is later than Set.since. Of what came before it may lack
	// something: it was not kept, or may have been lost.
	since int64
	// whole says that what the Table lacked has been loaded: from then on it has everything, until something casts doubt on that.
	whole   bool
	stored  time.Time // the watermark of what was loaded last
	loading bool
	waiting []*channel.Question // until it is loaded
	failed  *realtime.Error     // why it could not be
	tried   time.Time           // when that was begun last
	doubted time.Time           // when something of it may have been missed last that is not durable
	touched time.Time           // when the state was last of use
	absent  bool                // its namespace keeps none at the moment
	// awaited are the Publications with a Condition, by ID, whose outcome somebody waits for.
	awaited map[string][]*Attempt
}

// Of returns the state of a channel. If its namespace keeps none, that is what somebody reads of it still: nil if nobody does.
func (ss *Set) Of(c realtime.Channel, keeps bool) *channel.Keyed {
	if s := ss.all[c]; !keeps && (s == nil || s.Readers() == 0) {
		return nil
	}
	return ss.open(c).Keyed
}

func (ss *Set) open(c realtime.Channel) *state {
	if s := ss.all[c]; s != nil {
		return s
	}
	rules := ss.o.Owner.Document(c.Tenant()).Rules(c.Namespace()).State
	absent := rules == nil
	if absent {
		rules = &realtime.State{} // it has just been taken away
	}
	full := rules.WithDefaults()
	t := record.NewTable(c, full, record.TableOptions{
		Budget:      ss.o.Budget,
		Held:        ss.grew,
		Unencodable: func(c realtime.Channel) { ss.o.Metrics.Add(realtime.CountGaps, c.Tenant(), realtime.ReasonHole, 1) },
	})
	now := time.Now()
	s := &state{
		Keyed: channel.NewKeyed(t, ss.o.Effects, ss.o.Metrics), durable: *full.Durable, touched: now, absent: absent,
		// One before held nothing any more, not even what had been removed within Options.Memory.
		since: max(now.Add(-ss.o.Memory).UnixMilli(), ss.unkept.last(c)),
	}
	t.KnownSince(max(ss.since, ss.dropped, s.since))
	s.Known = func() *realtime.Error { return ss.known(s) }
	s.Doubtful = func() bool { return doubtful(ss, s) }
	s.Decided = s.decided
	ss.all[c] = s
	return s
}

// from is the moment from which on everything that came is in the Table of a state by itself.
func (ss *Set) from(s *state) int64 { return max(s.since, ss.since) }

// known reports what stands in the way of showing a state as a whole.
func (ss *Set) known(s *state) *realtime.Error {
	if err := lacks(ss, s); err != nil || record.Unsure(s.Table) == 0 {
		return err
	}
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: it cannot be told yet what has become of a key", RetryAfter: 5 * time.Second}
}

// lacks reports what stands in the way of knowing a state, but for keys of which something could not be decided.
func lacks(ss *Set, s *state) *realtime.Error {
	s.touched = time.Now()
	switch {
	case s.Table.Over():
		keys, bytes := s.Table.Size()
		err := realtime.Errorf(realtime.CodeLimited, "state: the channel has %d keys and %d bytes, far more than its namespace allows (state.keys, state.bytes)", keys, bytes)
		err.Limit, err.RetryAfter = "state.keys", 30*time.Second
		return err
	case s.Readers() == 0 && room(ss, s.Table.Channel().Tenant()) < 0:
		return crowded(ss, s.Table.Channel())
	case !s.durable && time.Since(time.UnixMilli(s.since)) < realtime.MaxUnstoredTTL:
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: its namespace has kept one for too short a time; it is known when what came before has expired", RetryAfter: 5 * time.Second}
	case !s.durable:
		return nil
	case s.failed != nil:
		return s.failed
	case !s.whole:
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: what is stored of it is older than what has been received since; it is known again when its checkpoint is newer", RetryAfter: 5 * time.Second}
	}
	return nil
}

// doubtful reports whether something may be missing of what those are shown who read a state.
func doubtful(ss *Set, s *state) bool {
	if s.durable {
		return ss.o.Store != nil && unloaded(s)
	}
	return time.Since(time.UnixMilli(s.since)) < realtime.MaxUnstoredTTL || time.Since(s.doubted) < realtime.MaxUnstoredTTL
}

// Begins is told from which moment on a new stream brings everything, and up to which the one before has, but for a channel that stalls. If
// something may lie between, the states are to be loaded anew.
func (ss *Set) Begins(complete, vouched int64) {
	if ss.since != 0 && complete <= vouched-ss.o.Margin.Milliseconds() {
		return // they go on
	}
	first := ss.since == 0
	ss.since = complete
	for c, s := range ss.all {
		s.Table.KnownSince(ss.from(s))
		switch {
		case first: // a checkpoint that was loaded meanwhile is judged by this
			s.whole = s.whole && ss.reaches(s.stored, ss.from(s))
		default:
			s.whole = false
			if s.Readers() == 0 {
				ss.drop(c, s)
			}
		}
	}
}

// Begun is told that what came of a channel before now is not in its state: its namespace has not kept one.
func (ss *Set) Begun(c realtime.Channel) {
	if s := ss.all[c]; s != nil {
		s.since, s.whole = time.Now().UnixMilli(), false
		s.Table.KnownSince(s.since)
		channel.Doubted(s.Keyed)
	}
}

// Doubt is told that something of a channel may be missing, now or before.
func (ss *Set) Doubt(c realtime.Channel) {
	s := ss.all[c]
	switch {
	case s == nil:
	case s.durable:
		ss.Begun(c)
	default: // or it expires soon; but nothing is decided by it
		s.doubted = time.Now()
		record.DoubtTable(s.Table, s.doubted.UnixMilli())
		channel.Doubted(s.Keyed)
	}
}

// Obey gives the states of a tenant the rules of its document.
func (ss *Set) Obey(t *realtime.Tenant) {
	for c, s := range ss.all {
		rules := t.Rules(c.Namespace()).State
		if c.Tenant() != t.ID {
			continue
		}
		if rules == nil {
			s.absent = true
			continue
		}
		if s.absent {
			s.absent = false
			ss.Begun(c)
		}
		full := rules.WithDefaults()
		s.Table.Obey(full)
		if s.durable != *full.Durable {
			s.durable, s.whole = *full.Durable, false
		}
	}
}

// Ask puts the question of a subscribe for a state when that is loaded. The lock is not held.
func (ss *Set) Ask(q *channel.Question) {
	o := ss.o.Owner
	o.Lock()
	ready := ss.Ready(q)
	o.Unlock()
	if ready {
		o.Ask(q)
	}
}

// Ready reports whether the question of a subscribe for a state can be asked now: else it is when that is loaded.
func (ss *Set) Ready(q *channel.Question) bool {
	s := ss.open(q.Request.Channel)
	s.touched = time.Now()
	if !s.durable || !unloaded(s) || ss.o.Owner.Stopped() {
		return true
	}
	s.waiting = append(s.waiting, q)
	ss.load(q.Request.Channel, s)
	return false
}

// Channels returns those of a tenant whose states hold something, as far as that has come.
func Channels(ss *Set, tenant string) (all []realtime.Channel) {
	for c, s := range ss.all {
		if c.Tenant() == tenant && record.Holds(s.Table) {
			all = append(all, c)
		}
	}
	return all
}

// NoStore is what a subscribe for a durable state is told where there is no store.
func NoStore() *realtime.Error {
	return realtime.Errorf(realtime.CodeBadRequest, "state: this server has no store for it; the namespace must have \"durable\": false")
}

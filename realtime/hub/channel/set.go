package channel

import (
	linked "container/list"
	"log/slog"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub/fanout"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Options configure a Set. All but Budget and the flags are required.
type Options struct {
	Effects *Effects // where the Set puts what follows
	Metrics realtime.Metrics
	Log     *slog.Logger
	Budget  *budget.Budget // nil has no bound

	Skew   time.Duration // by how much the publish times of a channel may decrease
	Margin time.Duration // what an asOf does not vouch for
	Memory time.Duration // how long an ID is remembered at least
	Traces bool          // somebody follows what is traced
	Part   int           // to how many readers something is given before others have the lock; 0 is fanout.Part
	Holes  bool          // holes are taken for such: the stream was opened to look for one

	// Document returns the one in force of a tenant that the Set does not know yet.
	Document func(tenant string) *realtime.Tenant
	// Home reports whether a tenant's document places it on the topic.
	Home func(*realtime.Tenant) bool
	// State returns what is known of a channel's state; if its namespace keeps none, nil unless somebody reads it still. Doubt says that
	// something of it may be missing.
	State func(c realtime.Channel, keeps bool) *Keyed
	Doubt func(realtime.Channel)
	// Begun says that what came of a channel before now is not in its state, and Unkept that a channel is forgotten of which that is so.
	Begun, Unkept func(realtime.Channel)
	// Opened is told that a channel has become known; nil: nobody is.
	Opened func(realtime.Channel)
	// Selected reports whether the stream brings a channel, of one that brings only those that are wanted; else it is going to, and Ready is to be called
	// then. Closed is told of a channel that is wanted no more, Linger after it was needed last. nil: it brings all.
	Selected func(realtime.Channel) bool
	Closed   func(realtime.Channel)
	Linger   time.Duration
	// Local says that no stream brings what comes: whoever has the Set makes it, so that all is known from the beginning, and nobody goes on from
	// where he stood in another Set.
	Local bool
	// After calls do for a channel after a while, under the lock.
	After func(c realtime.Channel, d time.Duration, do func()) *time.Timer
}

// Set has the channels of one stream.
type Set struct {
	// Phase is how far the stream has come; whoever follows it says so.
	Phase Phase
	// Vouched is the publish time, ms, up to which all that was published is known to have been handed on.
	Vouched int64

	o        Options
	complete int64 // from which moment on the stream brings everything, ms
	opened   int64 // when it was opened, ms
	fx       *Effects
	skew     int64 // Options.Skew in ms
	records  *record.Set
	machines map[realtime.Channel]*Machine
	all      []*Machine // in no order
	busy     []*Machine // those that have readers, in no order

	fences   map[string]*Fence // under way, by ID
	sent     linked.List       // of the same, in the order they were sent
	wanting  []*Machine        // in line for a fence
	looking  []*Question       // that look for where they begin
	breaks   uint64            // interruptions of the stream
	caughtUp time.Time         // when Age first found the stream caught up
	suspects int               // busy channels that have not had a fence since the last of them
	parked   int               // readers that are

	delivery     delivery // being taken in
	panicked     func(r *Reader, fault any)
	line         []*Machine           // with something on its way to readers that others have to wait for, in turn
	waiting      int                  // how much that is, and how large
	waitingBytes int                  //
	fan          *fanout.Fan[*Reader] // a spare one
	older, newer *Set                 // while one replaces the other
	parts        parts
	complained   time.Time // when a hole was last logged
}

// New returns a Set without channels, whose stream is being opened.
func New(o Options) *Set {
	s := &Set{o: o, fx: o.Effects, skew: o.Skew.Milliseconds(), machines: map[realtime.Channel]*Machine{}, fences: map[string]*Fence{}}
	if o.Part == 0 {
		s.o.Part = fanout.Part
	}
	if o.Local {
		s.Phase = PhaseCaughtUp
	}
	s.panicked = func(r *Reader, fault any) { s.fx.Panicked(r.client, fault) }
	s.records = record.New(record.Options{Owner: owner{s}, Budget: o.Budget, Skew: o.Skew, Memory: o.Memory, Anew: o.Selected != nil})
	return s
}

// owner is a Set as its records see it.
type owner struct{ set *Set }

func (o owner) Evicted(c realtime.Channel, why realtime.Reason, n int) {
	o.set.fx.Steps++
	o.set.o.Metrics.Add(realtime.CountEvictions, c.Tenant(), why, n)
}

func (o owner) Emptied(c realtime.Channel) {
	if m := o.set.machines[c]; m != nil && m.unused() {
		o.set.remove(m)
	}
}

func (o owner) Unencodable(c realtime.Channel) {
	o.set.o.Metrics.Add(realtime.CountGaps, c.Tenant(), realtime.ReasonHole, 1)
}

// Records returns the records of the channels.
func (s *Set) Records() *record.Set { return s.records }

// Complete says that the stream brings everything that was published since a moment.
func Complete(s *Set, since time.Time) {
	s.complete, s.opened = since.UnixMilli(), time.Now().UnixMilli()
	s.records.Complete(since)
}

// CompleteSince returns since when nothing is missing of the channels of a tenant of which nothing is known, ms; what was had and given up
// counts as missing if forgotten says so.
func CompleteSince(s *Set, tenant string, forgotten bool) int64 {
	if forgotten {
		return max(s.complete, s.records.Forgotten(tenant)+1)
	}
	return s.complete
}

// Len is how many channels there are.
func (s *Set) Len() int { return len(s.all) }

// Busy are the channels that have readers.
func (s *Set) Busy() []*Machine { return s.busy }

// Sure reports whether what was heard is all there was up to then.
func (s *Set) Sure() bool { return s.Phase == PhaseCaughtUp && s.suspects == 0 && s.parked == 0 }

// Get returns what is known of a channel, nil if nothing is.
func (s *Set) Get(c realtime.Channel) *Machine { return s.machines[c] }

// Open returns what is known of a channel, from now on.
func (s *Set) Open(c realtime.Channel) *Machine {
	if m := s.machines[c]; m != nil {
		return m
	}
	var doc *realtime.Tenant
	if s.records.Quota(c.Tenant()) == nil {
		doc = s.o.Document(c.Tenant())
	}
	rec := s.records.Open(c, doc)
	m := &Machine{set: s, name: c, rec: rec, proved: s.breaks, needed: time.Now().UnixMilli(), at: len(s.all), rules: rec.Quota().Tenant().Rules(c.Namespace())}
	if s.o.State != nil {
		m.state = s.o.State(c, m.rules.State != nil && s.o.Selected == nil) // of a channel that was wanted a moment ago nobody knows what it was before
	}
	if s.o.Local {
		rec.Make(time.Now().UnixMilli())
	}
	s.machines[c] = m
	s.all = append(s.all, m)
	s.records.Fit(rec)
	if s.o.Opened != nil {
		s.o.Opened(c)
	}
	return m
}

// Channels returns those of a tenant of which something is known.
func Channels(s *Set, tenant string) []realtime.Channel {
	q := s.records.Quota(tenant)
	if q == nil {
		return nil
	}
	all := make([]realtime.Channel, 0, len(q.Records()))
	for _, r := range q.Records() {
		all = append(all, r.Channel())
	}
	return all
}

// Uses reports whether a channel is shown what a Keyed has.
func Uses(s *Set, c realtime.Channel, k *Keyed) bool {
	m := s.machines[c]
	return m != nil && m.state == k
}

// remove takes a channel out that holds and serves nothing.
func (s *Set) remove(m *Machine) {
	delete(s.machines, m.name)
	last := len(s.all) - 1
	s.all[m.at], s.all[last].at = s.all[last], m.at
	s.all[last] = nil
	s.all = s.all[:last]
	s.records.Remove(m.rec)
	if m.state == nil && s.o.Unkept != nil {
		s.o.Unkept(m.name)
	}
	if s.o.Closed != nil {
		s.o.Closed(m.name)
	}
}

// Ready says that the stream brings a channel, all of it since a moment, so that a fence shows that it has come.
func Ready(s *Set, c realtime.Channel, complete time.Time) {
	if m := s.machines[c]; m != nil {
		record.CompleteSince(m.rec, complete)
		m.sendFence()
	}
}

// Stateful reports whether a channel that has readers keeps a state.
func Stateful(s *Set) bool {
	return slices.ContainsFunc(s.busy, func(m *Machine) bool { return m.state != nil })
}

// Obey gives a tenant's channels the rules of its document.
func (s *Set) Obey(t *realtime.Tenant) {
	q := s.records.Quota(t.ID)
	if q == nil {
		return // it has no channels here
	}
	q.Obey(t)
	for _, rec := range q.Records() {
		m := s.machines[rec.Channel()]
		finish(m) // by the old rules; by the new ones nothing may be held back
		m.rules = t.Rules(m.name.Namespace())
		switch {
		case m.rules.State != nil && m.state == nil:
			m.state = s.o.State(m.name, true)
			s.o.Begun(m.name)
		case m.rules.State == nil && m.state != nil && m.state.readers == 0:
			m.state = nil
		}
		rec.Obey(m.rules)
	}
}

// Break says that the stream was interrupted: until a fence has come back
// from a channel nobody knows whether all of it came. Work sends them.
func (s *Set) Break() {
	s.breaks++
	s.suspects, s.parts.recheck = len(s.busy), len(s.busy)
}

// Return says that a fence came back through a channel, published at ms. It reports whether something is missing that
// another stream may have.
func (s *Set) Return(id string, c realtime.Channel, ms int64) (hole bool) {
	if f := s.fences[id]; f != nil && f.m.name == c { // no other channel's order proves anything
		return f.returned(ms)
	}
	return false
}

// Fences returns those under way, the oldest first.
func (s *Set) Fences() []*Fence {
	all := make([]*Fence, 0, s.sent.Len())
	for e := s.sent.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*Fence))
	}
	return all
}

// Overdue reports whether the oldest fence under way was sent that long ago, and through which channel.
func (s *Set) Overdue(now time.Time, after time.Duration) (c realtime.Channel, overdue bool) {
	oldest := s.sent.Front()
	if oldest == nil {
		return c, false
	}
	f := oldest.Value.(*Fence)
	return f.m.name, now.Sub(f.sent) >= after
}

// Replaces says that the Set is to replace an older one, whose readers move to it, and not that which was to replace it before.
// That one's readers are given back.
func (s *Set) Replaces(older *Set) {
	if failed := older.newer; failed != nil {
		failed.older = nil
	}
	s.older, older.newer = older, s
	s.records.Replaces(older.records)
	older.parts.migrate = len(older.busy)
}

// Alone says that nobody reads by the Set before any more.
func (s *Set) Alone() {
	s.older.newer, s.older = nil, nil
	s.records.Alone()
}

// Prepare lets the readers of a channel move to this Set as soon as its record is made.
func (s *Set) Prepare(c realtime.Channel) {
	m := s.Open(c)
	m.moving = true
	m.sendFence()
}

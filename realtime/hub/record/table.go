package record

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/internal/heap"
)

// Table keeps the newest Publication of each key of a channel, in the order of its log: what a reader is to be given who has
// had everything up to a number is all that stands behind it, however far it is behind. So a Table takes as much memory as there are
// keys, whatever its readers do.
//
// Each change has a Number, one more than the one before. What was removed stays for a while as a tombstone, so that readers who are
// behind hear of it, and so that what is older and comes later does not bring it back. Publications without a key are kept while
// somebody may be behind (Events), the newest within a bound.
//
// A Table belongs to no stream: several may bring the same log, each as far as it has come, and Apply takes of each what is new. It
// is guarded by the lock of whoever has it.
type Table struct {
	name  realtime.Channel
	rules realtime.State
	o     TableOptions

	keys    map[string]*node
	log     order // all nodes, by number
	births  order // those that have a value, by birth
	number  uint64
	born    uint64
	bytes   int
	live    int
	ends    expiries
	graves  order // removals and clears, by number
	events  order // those without a key, by number
	keep    int   // how many of them are kept; 0 is none
	dropped int   // how many of them there is no room for
	heard   events

	cleared     realtime.Position // the newest clear
	clearedBy   source
	clearedWith []string          // IDs of what it removed, and was published in its millisecond
	clears      uint64            // its number
	clearedLate int64             // publish time of the newest clear that came behind what was published later, ms
	pruned      uint64            // the newest number of what was pruned
	until       int64             // publish time of the newest of that, ms
	since       int64             // all changes since then have been applied, ms
	newest      realtime.Position // of the newest change
	verdicts    verdicts
	shown       scratch
}

// TableOptions are what a Table shares with others.
type TableOptions struct {
	// Unencodable hears that a Publication could not be put by a protocol.
	Unencodable func(realtime.Channel)
	Budget      *budget.Budget // counts what all Tables of the process take; nil has no bound
	// Held hears by how many bytes a Table has grown.
	Held func(c realtime.Channel, n int)
}

type expiries = heap.Heap[int64, *node]

// NewTable returns one of which nothing is known.
func NewTable(name realtime.Channel, rules realtime.State, o TableOptions) *Table {
	return &Table{
		name: name, rules: rules.WithDefaults(), o: o, keys: map[string]*node{},
		ends: newExpiries(),
	}
}

func newExpiries() expiries {
	return expiries{Less: func(a, b int64) bool { return a < b }, Place: func(n *node) *int { return &n.place }}
}

// tableKeeper is a Table as what is shown of it sees it.
type tableKeeper struct{ *Table }

func (t tableKeeper) channel() realtime.Channel { return t.name }
func (t tableKeeper) scratch() *scratch         { return &t.shown }
func (t tableKeeper) unencodable()              { t.o.Unencodable(t.name) }
func (t tableKeeper) grew(n int, _ int64)       { t.took(n) }

func (t *Table) took(n int) {
	t.bytes += n
	t.o.Budget.Take(n, 0)
	if t.o.Held != nil {
		t.o.Held(t.name, n)
	}
}

// Channel returns whose Table it is.
func (t *Table) Channel() realtime.Channel { return t.name }

// Obey gives it other rules.
func (t *Table) Obey(rules realtime.State) { t.rules = rules.WithDefaults() }

// Number is that of the newest change.
func (t *Table) Number() uint64 { return t.number }

// Size is how many keys have a value, and what the Table takes, in bytes.
func (t *Table) Size() (keys, bytes int) { return t.live, t.bytes }

// Full says of which bound there would be too much if a value of a key, of so many bytes, were published: "state.keys",
// "state.bytes", or "" for none.
func (t *Table) Full(key string, bytes int) string {
	have := t.keys[key]
	switch {
	case (have == nil || have.birth == 0) && t.live >= t.rules.Keys:
		return "state.keys"
	case t.bytes+bytes > t.rules.Bytes && Grows(t, key, bytes):
		return "state.bytes"
	}
	return ""
}

// Over reports whether it is so much larger than its rules allow that it cannot be kept: only what was not published through a server that
// knew the state can make it so.
func (t *Table) Over() bool { return t.live > 2*t.rules.Keys || t.bytes > 2*t.rules.Bytes+1<<20 }

// Change is what has become of a key.
type Change struct {
	Number uint64
	node   *node
	was    Entry  // the value before
	before uint64 // its number
	had    bool   // there was one
	// and has what a clear has removed that came late, and what was decided late: node may be nil then.
	and []Change
}

// Apply takes in a Publication. It reports false if that is known, older than what is, or nothing for a Table.
func (t *Table) Apply(m *realtime.Message) (Change, bool) {
	if have := t.keys[m.Key]; have != nil && m.Key != "" && have.At.ID == m.ID {
		have.confirm(m)
		if m.If != nil && !decided(t, m.ID) {
			decide(t, m)
		}
		return Change{}, false
	}
	switch {
	case m.If == nil:
		return apply(t, m, 0)
	case decided(t, m.ID):
		return Change{}, false // it has counted by now, or does not
	}
	o, late := decide(t, m)
	c, is := Change{}, false
	if o.Verdict == realtime.VerdictApplied {
		c, is = apply(t, m, 0)
	}
	if !is {
		c = Change{Number: t.number}
	}
	c.and = append(late, c.and...)
	return c, is || len(late) > 0
}

// apply is Apply. Whatever is of before a moment, in ms, gives way.
func apply(t *Table, m *realtime.Message, before int64) (Change, bool) {
	switch {
	case m.Op == realtime.OpClear:
		return t.clear(m)
	case m.Key == "":
		return t.event(m)
	}
	at, have := m.Position(), t.keys[m.Key]
	switch {
	case t.wasCleared(m), have != nil && have.At.ID == at.ID, have != nil && have.At.Time >= before && !have.before(m):
		return Change{}, false
	}
	n := &node{Entry: newEntry(m), op: m.Op, source: sourceOf(m)}
	if n.op == realtime.OpSet {
		n.mayEnd(&t.rules, m)
	}
	c := Change{node: n}
	if have != nil {
		if have.At.Time == at.Time {
			n.same = have.ids()
		}
		c.was, c.before, c.had = have.Entry, have.number, have.birth != 0
		t.drop(have)
	}
	if len(t.verdicts.open) > 0 {
		settled := n.At.Time + 1
		if before > 0 {
			settled-- // something of its millisecond may come behind it
		}
		n.same = append(n.same, t.verdicts.notedAt(n.Key, settled-1)...)
		t.verdicts.settle(n.Key, settled)
	}
	t.put(n, have)
	c.Number = n.number
	return c, true
}

// wasCleared reports whether what has come is gone by the newest clear.
func (t *Table) wasCleared(m *realtime.Message) bool {
	if order, known := t.clearedBy.compare(sourceOf(m)); known {
		return order >= 0
	}
	at := m.Position()
	return at.Time < t.cleared.Time || at.Time == t.cleared.Time && slices.Contains(t.clearedWith, at.ID)
}

// put puts the newest of a key at the end of the log. have is what it takes the place of and has been dropped; nil if there was nothing.
func (t *Table) put(n, have *node) {
	t.keys[n.Key] = n
	t.append(n)
	value, had := n.op == realtime.OpSet, have != nil && have.birth != 0
	switch {
	case value && had:
		n.birth = have.birth
		t.births.replace(n.birth, n)
	case value:
		t.born++
		n.birth = t.born
		t.births.append(n.birth, n)
	case had:
		t.births.remove(have.birth)
	}
	n.oldest = n.birth
	if have != nil && have.oldest != 0 {
		n.oldest = have.oldest
	}
	if value {
		t.live++
	} else {
		t.graves.append(n.number, n)
	}
	if n.ends > 0 && value {
		t.ends.Set(n, n.ends)
	}
}

// append gives a change its number.
func (t *Table) append(n *node) {
	t.number++
	n.number = t.number
	t.log.append(n.number, n)
	t.took(n.cost())
	if n.At.Time >= t.newest.Time {
		t.newest = n.At
	}
}

// drop takes the newest of a key out; its place among the births is for put to give away.
func (t *Table) drop(n *node) {
	t.log.remove(n.number)
	t.ends.Remove(n)
	if n.birth != 0 {
		t.live--
	} else {
		t.graves.remove(n.number)
	}
	delete(t.keys, n.Key)
	t.took(-n.cost())
}

// clear removes all keys.
func (t *Table) clear(m *realtime.Message) (Change, bool) {
	at := m.Position()
	if t.wasCleared(m) || at.ID == t.cleared.ID {
		return Change{}, false
	}
	if at.Time > t.cleared.Time {
		t.clearedWith = nil
	} else {
		t.clearedWith = append(t.clearedWith, t.cleared.ID)
	}
	t.cleared, t.clearedBy = at, sourceOf(m)
	t.clearedWith = append(t.clearedWith, t.verdicts.settleAll(at.Time+1)...)
	gone := make([]*node, 0, len(t.keys))
	for _, s := range t.log.slots[t.log.head:] { // which is faster than going through a map
		n := s.node
		if n == nil || n.Key == "" {
			continue
		}
		if order, known := n.compare(t.clearedBy); known && order > 0 || !known && (n.At.Time > at.Time || n.At.Time == at.Time && n.stored) {
			continue
		}
		gone = append(gone, n)
		if n.At.Time == at.Time {
			t.clearedWith = append(t.clearedWith, n.ids()...)
		}
	}
	if len(gone) < len(t.keys) {
		return clearLate(t, gone)
	}
	forgetKeys(t)
	n := &node{Entry: newEntry(m), op: m.Op}
	t.append(n)
	t.graves.append(n.number, n)
	t.clears = n.number
	return Change{Number: n.number, node: n}, true
}

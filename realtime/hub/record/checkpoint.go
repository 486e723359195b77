package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Load is Table.Apply for what a checkpoint has, which knows better than the Table what was published before a moment, in ms.
func Load(t *Table, m *realtime.Message, before int64) (Change, bool) {
	c, is := apply(t, m, before)
	if is {
		c.node.stored = true
	}
	return c, is
}

// Outdated removes values of a Table that were published before a moment, in ms, and that a checkpoint does not have which holds everything of
// before that: they were removed while nothing was heard. It looks at some of those born behind a birth and calls
// removed for each that goes. It returns the last birth that it has looked at, and whether there are more.
func Outdated(t *Table, birth uint64, before int64, has func(key string) bool, now time.Time, removed func(Change)) (last uint64, more bool) {
	const some = 256
	for range some {
		have := t.births.after(birth)
		if have == nil {
			return birth, false
		}
		birth = have.birth
		if have.At.Time < before && !has(have.Key) {
			removed(end(t, have, now.UnixMilli()))
		}
	}
	return birth, true
}

// Grows reports whether a Table grows if a key is set to a value of so many bytes.
func Grows(t *Table, key string, bytes int) bool {
	have := t.keys[key]
	return have == nil || have.cost() < bytes
}

// Holds reports whether a Table has anything, removals too.
func Holds(t *Table) bool { return t.log.nodes > 0 }

// clearLate removes what a clear has that comes behind what was published later: its readers are told key by key. Who comes back from before it may have
// keys that the Table never had, and cannot be told of those.
func clearLate(t *Table, gone []*node) (c Change, is bool) {
	t.clearedLate = max(t.clearedLate, t.cleared.Time)
	now := t.newest.Time // so that nobody who has had what is newer takes it for known
	slices.SortFunc(gone, func(a, b *node) int { return cmp.Compare(a.number, b.number) })
	for _, n := range gone {
		if n.birth == 0 {
			n.cleared = true
			continue
		}
		removed := end(t, n, now)
		removed.node.cleared = true
		c.and = append(c.and, removed)
	}
	c.Number = t.number
	return c, len(c.and) > 0
}

// forgetKeys gives up what all keys have, at once: of many that takes much less than one by one.
func forgetKeys(t *Table) {
	freed := 0
	rest := func(o *order) (kept order) {
		for _, s := range o.slots[o.head:] {
			if s.node != nil && s.node.Key == "" {
				kept.append(s.number, s.node)
			}
		}
		return kept
	}
	for _, s := range t.log.slots[t.log.head:] {
		if s.node != nil && s.node.Key != "" {
			freed += s.node.cost()
		}
	}
	t.log, t.graves, t.births = rest(&t.log), rest(&t.graves), order{}
	t.keys, t.live, t.ends = map[string]*node{}, 0, newExpiries()
	t.took(-freed)
}

// end removes a value whose time is over, in ms, without an event of the log.
func end(t *Table, have *node, ms int64) Change {
	p := realtime.Publication{ID: have.At.ID, Key: have.Key, Time: time.UnixMilli(have.At.Time), Op: realtime.OpExpire}
	grave := &node{Entry: entryOf(&p), op: realtime.OpExpire, same: have.same, stored: have.stored, source: have.source, ends: ms}
	c := Change{node: grave, was: have.Entry, before: have.number, had: true}
	t.drop(have)
	t.put(grave, have)
	c.Number = grave.number
	return c
}

package record

import (
	"cmp"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Cursor is where a reader of a Table stands.
type Cursor struct {
	// Number is that of the newest change that the reader has had, or need not have.
	Number uint64
	// Joined is the newest change up to which the reader may not have been told of any, because it is not given what there is.
	Joined uint64
	// caught is the newest number at which the reader has had everything: what it may have on its screen can have gone out of sight since.
	caught uint64

	// After a resume, changes up to a number are left out that were published before a moment, or have one of these IDs.
	until  uint64
	moment int64
	known  []string
	// After a snapshot, marks tell what was in it.
	marks []mark
}

// mark says that a snapshot had the keys born up to a birth as they were at a number.
type mark struct{ birth, number uint64 }

// At returns a Cursor that has had everything.
func (t *Table) At() Cursor { return Cursor{Number: t.number, caught: t.number} }

// Lost reports whether something was forgotten that a reader has not had.
func (c *Cursor) Lost(t *Table) bool { return c.Number < t.pruned }

// Next returns what a reader is told next, and moves its Cursor there. Steps that show nothing are among them. It is false if there is no more.
func (c *Cursor) Next(t *Table, s *Sight) (Step, bool) {
	n := t.log.after(c.Number)
	if n == nil {
		c.Number, c.caught, c.known, c.marks = t.number, t.number, nil, nil
		return Step{}, false
	}
	c.Number = n.number
	if c.skips(n) {
		return Step{At: n.At}, true
	}
	had, given := c.had(n)
	st := s.tells(t, n, had, c.Joined)
	if given && !st.leaves { // or it was given as it is, and an earlier life of the key may have been given before
		st.Pass = Pass{}
	}
	return st, true
}

// skips reports whether the reader has had a node before it resumed.
func (c *Cursor) skips(n *node) bool {
	return n.number <= c.until && (n.when() < c.moment || n.op != realtime.OpExpire && slices.Contains(c.known, n.At.ID))
}

// had returns the number up to which the reader has had the changes of a node's key, and whether a snapshot gave the node as it is.
func (c *Cursor) had(n *node) (number uint64, given bool) {
	number, visited := c.marked(n.oldest)
	if n.op == realtime.OpSet {
		now, is := c.marked(n.birth)
		return number, is && n.number <= now
	}
	return number, visited && n.number <= number
}

// marked returns at which number the part of the snapshot was made that had the keys of a birth, if there was one.
func (c *Cursor) marked(birth uint64) (number uint64, was bool) {
	i, _ := slices.BinarySearchFunc(c.marks, birth, func(m mark, b uint64) int { return cmp.Compare(m.birth, b) })
	if birth == 0 || i == len(c.marks) {
		return c.caught, false
	}
	return c.marks[i].number, true
}

// Resume returns where a reader stands that has had everything up to a moment, in ms, and of what was published in that very
// millisecond what has one of these IDs. It is false if what came later is not all known any more.
func (t *Table) Resume(moment int64, known []string) (Cursor, bool) {
	if moment <= max(t.until, t.clearedLate) || moment < t.since {
		return Cursor{}, false
	}
	return Cursor{until: t.number, moment: moment, known: known}, true
}

// KnownSince says from which moment on, in ms, all changes have been applied.
func (t *Table) KnownSince(ms int64) { t.since = ms }

// Forgotten is the publish time, in ms, of the newest removal that has been forgotten: what is older and comes now is not known to be gone.
func Forgotten(t *Table) int64 { return t.until }

// Position is where a reader stands that has had everything.
func (t *Table) Position() realtime.Position { return t.newest }

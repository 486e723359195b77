package record

import (
	"cmp"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Round gives a reader who does not keep up the newest of each key in fair turns: key by key in the order of their births, each as it is when its turn
// comes, and then from the beginning. In the order of the log, keys that change again before it is their turn would fall behind those that have just been
// given, and some would never be given. So the reader is at no Position in the middle of a Round; it stands where it began once it is over.
//
// What was removed is given before anything else.
type Round struct {
	start  uint64            // the newest number when it began
	at     realtime.Position // where the reader stands when it is over
	turn   uint64            // up to which birth keys have had their turn
	marks  []mark            // of those
	graves uint64            // up to which number removals have been given
}

// mostInRounds bounds how many keys a Table may have of which readers are given Rounds: each looks at all of them.
const mostInRounds = 8192

// NewRound begins to give what is behind a Cursor in Rounds. It is nil where that is of no use: because it is little, because there are very many keys, or
// because something is among it that has a place in the log, an event or the removal of all keys.
//
// A reader who is told what happens, and not given the state, has to be told it in order.
func NewRound(t *Table, c *Cursor, s *Sight) *Round {
	few := 4*(t.number-c.Number) < uint64(t.live) //nolint:gosec // a number of keys
	if few || s.Events || t.live > mostInRounds || barred(t, c) {
		return nil
	}
	return &Round{start: t.number, at: t.newest, graves: c.Number}
}

func barred(t *Table, c *Cursor) bool { return t.clears > c.Number || t.events.after(c.Number) != nil }

// Part gives what the reader of a Cursor is to be given, until give returns false: then there is no room for more. over says that a Round has ended
// in it, so that the reader stands at the Position, and whole that the reader has had everything: the Cursor says so too.
func (r *Round) Part(t *Table, c *Cursor, s *Sight, give func(*Step) bool) (at realtime.Position, over, whole bool) {
	if !r.removals(t, c, s, give) {
		return at, false, false
	}
	for fresh := r.turn == 0; ; fresh = true {
		if !r.values(t, c, s, give) {
			return at, over, false
		}
		at, over = r.at, true
		c.Number, c.marks = r.start, append(c.marks[:0], r.marks...)
		if fresh && t.number == r.start {
			*c = t.At()
			return at, true, true
		}
		r.start, r.at, r.turn, r.marks = t.number, t.newest, 0, r.marks[:0]
	}
}

// removals gives what was removed. It reports whether there was room for all of it.
func (r *Round) removals(t *Table, c *Cursor, s *Sight, give func(*Step) bool) bool {
	for n := t.graves.after(r.graves); n != nil; n = t.graves.after(r.graves) {
		r.graves = n.number
		if c.skips(n) {
			continue
		}
		if st := s.tells(t, n, c.caught, c.Joined); st.Shown() && !give(&st) {
			return false
		}
	}
	return true
}

// values gives the keys whose turn it is. It reports whether there was room for all that there are.
func (r *Round) values(t *Table, c *Cursor, s *Sight, give func(*Step) bool) bool {
	room := true
	for room {
		n := t.births.after(r.turn)
		if n == nil {
			break
		}
		had, _ := r.marked(c, n.birth)
		r.turn = n.birth
		if n.number <= max(had, c.Number) || c.skips(n) { // it may have gone on in the order of the log since
			continue
		}
		if st := s.tells(t, n, had, c.Joined); st.Shown() {
			room = give(&st)
		}
	}
	r.marks = append(r.marks, mark{r.turn, t.number})
	return room
}

// Again takes back the value that Part gave last.
func (r *Round) Again() { r.turn--; r.marks[len(r.marks)-1].birth-- }

// marked returns at which number the reader was given the keys of a birth, if it was.
func (r *Round) marked(c *Cursor, birth uint64) (number uint64, was bool) {
	if birth == 0 || birth > r.turn {
		return c.marked(birth)
	}
	i, _ := slices.BinarySearchFunc(r.marks, birth, func(m mark, b uint64) int { return cmp.Compare(m.birth, b) })
	if i == len(r.marks) { // in the part under way
		return c.marked(birth)
	}
	return r.marks[i].number, true
}

// Leave ends it in the middle: the reader goes on in the order of the log, and is not given again what it was given. It returns nil, also of nil.
func (r *Round) Leave(c *Cursor) *Round {
	if r == nil {
		return nil
	}
	rest, _ := slices.BinarySearchFunc(c.marks, r.turn+1, func(m mark, b uint64) int { return cmp.Compare(m.birth, b) })
	c.marks = append(slices.Clone(r.marks), c.marks[rest:]...)
	return nil
}

// Continue returns the Round, or nil if something has come that has a place in the log: then it has been left.
func (r *Round) Continue(t *Table, c *Cursor) *Round {
	if r == nil || !barred(t, c) {
		return r
	}
	return r.Leave(c)
}

package record

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Sight is what readers with the same View are shown of a Table: besides what it is now, when keys went out of their sight, so that those
// who are behind are told of what they may have seen, and of nothing else.
type Sight struct {
	View *view.View
	// Events says that they are told what happens, and not what becomes of their screens: a removal of what they may
	// never have been told too.
	Events bool
	// Joined is the newest number that any of those readers may not have been told of, because it came later and was not given what there was.
	Joined uint64

	left    map[string]uint64 // the number of the change by which a key went out of sight
	same    view.Unchanged
	decided *[decisions]decision // the newest, by number
}

// decision is whether what has a number is shown, so that all readers who are shown the same ask once.
type decision struct {
	number uint64
	shown  bool
}

const decisions = 32

// sees reports whether an entry with a number is shown.
func (s *Sight) sees(t *Table, number uint64, e *Entry) bool {
	if !s.View.Filtered() {
		return true
	}
	if s.decided == nil {
		s.decided = &[decisions]decision{}
	}
	d := &s.decided[number%decisions]
	if d.number != number {
		*d = decision{number, shows(t, e, s.View)}
	}
	return d.shown
}

// pass is what is shown of a node.
func (s *Sight) pass(t *Table, n *node) Pass {
	if !s.sees(t, n.number, &n.Entry) {
		return Pass{}
	}
	return Pass{of: tableKeeper{t}, entry: &n.Entry, columns: s.View.Columns(), kept: true}
}

// See takes note of a change. Each change is to be seen by all Sights of a Table whom it concerns (Change.Look), at once. It reports false if whoever has had all of the Table
// before has had all of it still: nothing of the change is in sight, nor was.
func (s *Sight) See(t *Table, c *Change) (news bool) {
	for i := range c.and {
		news = s.See(t, &c.and[i]) || news
	}
	if c.node != nil && c.had && s.alike(t, c) {
		return s.same.Note(c.node.Key, c.Number, c.before, s.Joined) || news
	}
	if c.node != nil {
		s.same.Changed(c.node.Key)
	}
	switch {
	case !s.View.Filtered() || c.node == nil || c.node.op == realtime.OpClear:
		return true
	case c.node.Key == "":
		return s.sees(t, c.Number, &c.node.Entry) || news
	case c.node.op == realtime.OpSet && s.sees(t, c.Number, &c.node.Entry):
		delete(s.left, c.node.Key)
		return true
	case c.had && s.sees(t, c.before, &c.was):
		if s.left == nil {
			s.left = map[string]uint64{}
		}
		s.left[c.node.Key] = c.Number
		return true
	}
	return news || s.Events && c.node.op == realtime.OpDelete && s.sees(t, c.Number, &c.node.Entry)
}

// alike reports whether a change has left what is shown of a key as it was.
func (s *Sight) alike(t *Table, c *Change) bool {
	if s.View.Columns() == nil || c.node.op != realtime.OpSet || !s.sees(t, c.Number, &c.node.Entry) || !s.sees(t, c.before, &c.was) {
		return false
	}
	k := tableKeeper{t}
	defer k.scratch().done()
	return s.View.Columns().Same(k.scratch().of(t.name, &c.node.Entry), new(scratch).of(t.name, &c.was))
}

// Look has looked at what decides whom a change concerns: what it shows, and what it takes the place of. A Sight that shows neither need not See it. It
// reports false if that does not decide it: then all are to See it.
func (c *Change) Look(t *Table, at func(*Look)) (decides bool) {
	if c.node == nil || c.node.op == realtime.OpClear || len(c.and) > 0 {
		return false
	}
	k := tableKeeper{t}
	look := Look{of: k, entry: &c.node.Entry, shown: k.scratch().of(t.name, &c.node.Entry)}
	at(&look)
	look.Done()
	if c.had {
		look = Look{of: k, entry: &c.was, shown: k.scratch().of(t.name, &c.was)}
		at(&look)
		look.Done()
	}
	return true
}

// Left reports whether anything has gone out of sight since Forget, or has come as it was.
func (s *Sight) Left() bool { return len(s.left) > 0 || !s.same.Empty() }

// Forget says that nobody is behind any more.
func (s *Sight) Forget() { s.left, s.same = nil, view.Unchanged{} }

// Stored returns a copy of what a Table has of a key, and the number of the change that made it so. It is not ok if that has no value.
func Stored(t *Table, key string) (p realtime.Publication, number uint64, ok bool) {
	if n := t.keys[key]; n != nil && n.birth != 0 {
		return *new(scratch).of(t.name, &n.Entry), n.number, true
	}
	return p, 0, false
}

func shows(t *Table, e *Entry, v *view.View) bool {
	p := open(tableKeeper{t}, e, v, false)
	return p.Shown()
}

// Step is the next thing to tell a reader.
type Step struct {
	Pass
	// Key is whose it is, "" of an event or a clear.
	Key    string
	leaves bool // it takes the key off the screen, which has another value
	// At is the Position to which it takes the reader.
	At realtime.Position
}

// tells returns what a reader who has had all up to a number, but perhaps nothing up to joined, is told of a node that is newer.
func (s *Sight) tells(t *Table, n *node, had, joined uint64) Step {
	st := Step{Key: n.Key, At: n.At}
	switch {
	case n.op == realtime.OpSet && s.same.Had(n.Key, had, joined):
	case !s.View.Filtered():
		st.Pass = s.pass(t, n)
	case n.op == realtime.OpClear:
		st.Pass = removing(t, n, s.View)
	case n.Key == "":
		st.Pass = s.pass(t, n)
	case n.op == realtime.OpSet:
		if st.Pass = s.pass(t, n); !st.Shown() && s.left[n.Key] > had {
			st.Pass, st.leaves = leaving(t, n), true
		}
	case s.left[n.Key] > had:
		st.Pass = removing(t, n, s.View)
	case s.Events && n.op == realtime.OpDelete:
		st.Pass = s.pass(t, n)
	}
	return st
}

// removing is what tells that something in sight was removed. What a filter does not show of the removal itself, which may have tags of
// its own or none, is not told.
func removing(t *Table, n *node, v *view.View) Pass {
	if p := open(tableKeeper{t}, &n.Entry, v, true); p.Shown() {
		return p
	}
	return bare(t, n, n.op)
}

// leaving is what tells that a key has gone out of sight: its name, and nothing of what it is now.
func leaving(t *Table, n *node) Pass { return bare(t, n, realtime.OpLeave) }

// bare is an operation on a key without anything else.
func bare(t *Table, n *node, op realtime.Op) Pass {
	e := entryOf(&realtime.Publication{ID: n.At.ID, Key: n.Key, Time: time.UnixMilli(n.At.Time), Op: op})
	return Pass{of: tableKeeper{t}, entry: &e}
}

// Compare tells what is to be told to a reader who has seen all of the Table by one View and sees it by another from now on, until tell
// returns false.
func Compare(t *Table, old, v *view.View, tell func(Step) bool) {
	for number := uint64(0); ; {
		n := t.births.after(number)
		if n == nil {
			return
		}
		number = n.birth
		was, is := open(tableKeeper{t}, &n.Entry, old, false), open(tableKeeper{t}, &n.Entry, v, true)
		st := Step{Key: n.Key, At: n.At}
		switch {
		case is.Shown() && (!was.Shown() || was.columns != is.columns):
			st.Pass = is
		case was.Shown() && !is.Shown():
			st.Pass, st.leaves = leaving(t, n), true
		default:
			continue
		}
		if !tell(st) {
			return
		}
	}
}

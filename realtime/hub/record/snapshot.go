package record

import "github.com/tidewire/tidewire/realtime"

// Snapshot is how far a reader has been given the state of a Table: key by key, in the order of their births, each as it is when it is given.
// What changes behind its back comes after it, as changes do. So it takes no more memory than a mark for each part of it.
type Snapshot struct {
	at    realtime.Position // when it began
	start uint64
	born  uint64
	marks []mark
}

// NewSnapshot returns a Snapshot of which nothing has been given.
func NewSnapshot(t *Table, at realtime.Position) Snapshot { return Snapshot{at: at, start: t.number} }

// Spoilt reports whether it has to begin anew: all keys were removed meanwhile, or removals were forgotten.
func (s *Snapshot) Spoilt(t *Table) bool { return t.clears > s.start || t.pruned > s.start }

// Part gives entries that are shown, until give returns false: then there is no room for more. It reports whether that was all.
func (s *Snapshot) Part(t *Table, sight *Sight, give func(key string, p *Pass) bool) (over bool) {
	defer func() { s.marks = append(s.marks, mark{s.born, t.number}) }()
	for {
		n := t.births.after(s.born)
		if n == nil {
			s.born = t.born
			return true
		}
		s.born = n.birth
		p := open(tableKeeper{t}, &n.Entry, sight.View, true)
		if p.Shown() && !give(n.Key, &p) {
			return false
		}
	}
}

// End returns where the reader of a Snapshot stands that is over, and the Position that it is told.
func (s *Snapshot) End() (Cursor, realtime.Position) {
	return Cursor{Number: s.start, caught: s.start, marks: s.marks}, s.at
}

// Show calls with what is shown of an entry, as a Publication. It is good until show returns.
func (p *Pass) Show(show func(*realtime.Publication)) {
	s := p.of.scratch()
	shown := s.of(p.of.channel(), p.entry)
	shown.Data = p.columns.Project(shown.Data)
	show(shown)
	s.done()
}

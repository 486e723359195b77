package record

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Snapshot is how far a reader has been given the state of a Table: key by key, in the order of their births, each as it is when it is given.
// What changes behind its back comes after it, as changes do. So it takes no more memory than a mark for each part of it.
type Snapshot struct {
	at    realtime.Position // when it began
	start uint64
	event uint64 // up to which number the reader has had, or need not have, what has no key and so is in no snapshot
	born  uint64
	marks []mark
}

// NewSnapshot returns a Snapshot of which nothing has been given.
func NewSnapshot(t *Table, at realtime.Position) Snapshot {
	return Snapshot{at: at, start: t.number, event: t.number}
}

// InPlaceOf makes it the Snapshot of a reader who stood at a Cursor, or was being given another Snapshot: what has come since without
// a key is owed to it still.
func (s *Snapshot) InPlaceOf(other *Snapshot, c Cursor) {
	if s.event = min(s.event, c.Number); other != nil {
		s.event = min(s.start, other.event)
	}
}

// Owed returns what has no key and is to be given before the Snapshot, whose Position is later, and false if there is no more. NotGiven takes it back.
func (s *Snapshot) Owed(t *Table, sight *Sight) (Step, bool) {
	for n := t.log.after(s.event); n != nil && n.number <= s.start; n = t.log.after(s.event) {
		s.event = n.number
		if n.Key != "" || n.op != realtime.OpSet {
			continue
		}
		if st := sight.tells(t, n, n.number, 0); st.Shown() {
			return st, true
		}
	}
	s.event = s.start
	return Step{}, false
}

// NotGiven takes back what Owed returned last.
func (s *Snapshot) NotGiven() { s.event-- }

// Spoilt reports whether it has to begin anew: all keys were removed meanwhile, or removals were forgotten.
func (s *Snapshot) Spoilt(t *Table) bool { return t.clears > s.start || t.pruned > s.start }

// Again takes back what Part gave last.
func (s *Snapshot) Again() { s.born--; s.marks[len(s.marks)-1].birth-- }

// mostLooked is how many entries one Part looks at.
const mostLooked = 4096

// Part gives entries that are shown, until give returns false: then there is no room for more. It reports whether that was all.
func (s *Snapshot) Part(t *Table, sight *Sight, give func(key string, p *Pass) bool) (over bool) {
	defer func() { s.marks = append(s.marks, mark{s.born, t.number}) }()
	for looked := 0; ; looked++ {
		n := t.births.after(s.born)
		if looked == mostLooked && n != nil {
			return false // of what is hidden there may be very much
		}
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

// mostOfFrame is how long the entries of a frame are together if there are several: with what is around them, the frame has at most 64 KiB.
const mostOfFrame = 64<<10 - 512

// Enter puts what is shown into a frame, unless that would become too long: then it is to begin the next one.
func (p *Pass) Enter(part *outbox.Snapshot, by *protocol.Protocol) (fits bool) {
	before := len(part.Entries)
	p.Show(func(e *realtime.Publication) { part.Entries = by.Entry(part.Entries, e) })
	if fits = before == 0 || len(part.Entries) <= mostOfFrame; !fits {
		part.Entries = part.Entries[:before]
	}
	return fits
}

package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// node is a change: a value, a removal, or an event.
type node struct {
	Entry
	op     realtime.Op
	number uint64
	birth  uint64   // 0 unless it has a value
	oldest uint64   // the earliest birth of the key since it was last forgotten
	ends   int64    // when it expires, ms; 0 is never
	place  int      // in Table.ends
	same   []string // IDs of what was published to the key in the same millisecond before it
	stored bool     // it came of a checkpoint, and if the log brings it again it has not yet: what of its millisecond comes before it is older
	lapsed bool     // of OpExpire: its own time was over, and so everybody knows when
	// cleared says that the newest clear came behind what is newer than it and has removed what the node was.
	cleared bool
	source
}

// source says which publisher a change is from, and how many changes of the channel that has published up to it. A publisher's retry may store a
// second copy of an event behind what it has published since, and the copy may come first: then only the number tells that it is older.
type source struct {
	series string
	count  uint64
}

func sourceOf(m *realtime.Message) source { return source{m.Series, m.Number} }

// compare is negative if s is from before other, 0 if both are the same, and positive if it is from behind it. Changes of different publishers
// cannot be compared so.
func (s source) compare(other source) (order int, known bool) {
	return cmp.Compare(s.count, other.count), s.series != "" && s.series == other.series
}

// when is the moment of the change, ms.
func (n *node) when() int64 {
	if n.op == realtime.OpExpire {
		return n.ends
	}
	return n.At.Time
}

// nodeOverhead is what a node costs besides its entry.
const nodeOverhead = 224

func (n *node) cost() int { return n.Entry.cost() + nodeOverhead }

// ids returns those of a node's key in its millisecond, up to it.
func (n *node) ids() []string { return append(n.same, n.At.ID) }

// confirm is told that the log has brought what the node has, though perhaps at another time: what comes of its millisecond from now on is newer.
func (n *node) confirm(m *realtime.Message) {
	if n.stored {
		n.stored, n.source = false, sourceOf(m)
	}
}

// before reports whether something that has come is newer than the node.
func (n *node) before(m *realtime.Message) bool {
	if order, known := n.compare(sourceOf(m)); known {
		return order < 0
	}
	at := m.Position()
	switch {
	case n.At.Time != at.Time:
		return n.At.Time < at.Time
	case slices.Contains(n.same, at.ID):
		return false
	case n.stored:
		n.same = append(n.same, at.ID)
		return false
	}
	return true
}

// mayEnd says when a value expires, by its Publication and the rules.
func (n *node) mayEnd(rules *realtime.State, m *realtime.Message) {
	ttl := m.TTL
	if most := time.Duration(rules.TTL); most > 0 && (ttl == 0 || ttl > most) {
		p := m.Publication
		ttl, p.TTL = most, most
		n.Entry = entryOf(&p)
	}
	if ttl > 0 {
		n.ends = m.Time.Add(ttl).UnixMilli()
	}
}

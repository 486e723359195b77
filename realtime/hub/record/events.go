package record

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// events tells which Publications without a key a Table has had: several streams bring the same.
type events struct {
	newest int64 // publish time, ms
	ids    []string
}

// isNew reports whether one has not come before; then it has.
func (e *events) isNew(at realtime.Position) bool {
	switch {
	case at.Time < e.newest, at.Time == e.newest && slices.Contains(e.ids, at.ID):
		return false
	case at.Time > e.newest:
		e.newest, e.ids = at.Time, e.ids[:0]
	}
	e.ids = append(e.ids, at.ID)
	return true
}

// KeepEvents says how many Publications without a key are kept for readers who are behind; 0, while nobody is, keeps none.
func (t *Table) KeepEvents(most int) {
	t.keep = most
	t.trim()
}

// Dropped is how many Publications without a key there was no room for. Whoever was behind has missed as many.
func (t *Table) Dropped() int { return t.dropped }

func (t *Table) event(m *realtime.Message) (Change, bool) {
	if !t.heard.isNew(m.Position()) {
		return Change{}, false
	}
	n := &node{Entry: newEntry(m), op: m.Op}
	if t.keep == 0 {
		t.number++
		n.number = t.number // it is shown to those who read, and forgotten
		return Change{Number: n.number, node: n}, true
	}
	t.append(n)
	t.events.append(n.number, n)
	t.trim()
	return Change{Number: n.number, node: n}, true
}

func (t *Table) trim() {
	for t.events.nodes > t.keep {
		n := t.events.first()
		t.events.remove(n.number)
		t.log.remove(n.number)
		t.took(-n.cost())
		if t.keep > 0 {
			t.dropped++
		}
	}
}

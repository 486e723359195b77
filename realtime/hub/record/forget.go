package record

import "time"

// Expire removes what has expired by now, up to a number of keys, and calls expired for each. It returns how many there were.
func (t *Table) Expire(now time.Time, most int, expired func(Change)) (n int) {
	for ; n < most && t.ends.Len() > 0; n++ {
		ends, have := t.ends.First()
		if ends > now.UnixMilli() {
			break
		}
		c := end(t, have, ends)
		c.node.lapsed = true
		expired(c)
	}
	return n
}

// Ends returns when the next value expires; zero if none does.
func (t *Table) Ends() time.Time {
	if t.ends.Len() == 0 {
		return time.Time{}
	}
	ms, _ := t.ends.First()
	return time.UnixMilli(ms)
}

// Prune forgets removals up to a moment, up to a number of them. It reports whether there are more. Readers who are further behind are to be given a
// snapshot.
func (t *Table) Prune(before time.Time, most int) (more bool) {
	pruneOutcomes(t, before.UnixMilli())
	for ms := before.UnixMilli(); ; most-- {
		n := t.graves.first()
		if n == nil || n.when() >= ms {
			return false
		}
		if most == 0 {
			return true
		}
		t.pruned, t.until = n.number, max(t.until, n.when())
		if n.Key != "" {
			t.drop(n)
			continue
		}
		t.log.remove(n.number)
		t.graves.remove(n.number)
		t.took(-n.cost())
	}
}

// Forget gives up everything. Readers who are behind have missed it.
func (t *Table) Forget() {
	t.keys, t.log, t.births, t.graves, t.events = map[string]*node{}, order{}, order{}, order{}, order{}
	for t.ends.Len() > 0 {
		_, n := t.ends.First()
		t.ends.Remove(n)
	}
	t.live, t.pruned = 0, t.number
	forgetOutcomes(t, len(t.verdicts.order))
	t.took(-t.bytes)
}

// ReleaseTable takes what a Table holds out of the Budget. Nothing comes any more; readers who are behind are still given what there is.
func ReleaseTable(t *Table) {
	t.o.Budget.Take(-t.bytes, 0)
	t.o.Budget = nil
}

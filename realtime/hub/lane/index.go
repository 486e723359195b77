package lane

import (
	"strings"

	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Index finds those whose View may show something by what that has under names: who wants another value is not asked. The zero Index is empty. It is
// guarded by its owner.
type Index[T comparable] struct {
	rest    []T           // those that no name decides: whose View has no equality, or only projects
	byValue map[value][]T // those with a View that shows only what has one of some values under a name
	names   map[name]int  // how many are in byValue for each name
	tags    int           // names that are tags
	asked   int           // Views of rest that are undecided
}

// name is what something has a value under: a tag, or "key" or "event".
type name struct{ of, tag string }

func nameOf(s string) (n name, known bool) {
	if tag, is := strings.CutPrefix(s, "tags."); is {
		return name{"tags", tag}, true
	}
	return name{of: s}, s == "key" || s == "event"
}

// value is what a name has to be.
type value struct {
	name
	value string
}

// Add takes in one with a View. It returns the equality by which it is found, for Remove: nil if it is always.
func (ix *Index[T]) Add(v *view.View, t T) (by *view.Equality) {
	if ix.byValue == nil {
		ix.byValue, ix.names = map[value][]T{}, map[name]int{}
	}
	if by = ix.choose(v); by == nil {
		ix.rest = append(ix.rest, t)
		if v.Undecided() {
			ix.asked++
		}
		return nil
	}
	n, _ := nameOf(by.Name)
	for _, is := range by.Values {
		key := value{n, is}
		ix.byValue[key] = append(ix.byValue[key], t)
	}
	if ix.names[n]++; ix.names[n] == 1 && n.of == "tags" {
		ix.tags++
	}
	return by
}

// choose returns the equality by which the fewest others are found with a View: it tells Views apart best.
func (ix *Index[T]) choose(v *view.View) (best *view.Equality) {
	fewest := 0
	for _, e := range v.Equalities() {
		n, known := nameOf(e.Name)
		if !known {
			continue
		}
		most := 0
		for _, is := range e.Values {
			most = max(most, len(ix.byValue[value{n, is}]))
		}
		if best == nil || most < fewest {
			best, fewest = &e, most
		}
	}
	return best
}

// Remove takes out one that was found by an equality.
func (ix *Index[T]) Remove(v *view.View, by *view.Equality, t T) {
	if by == nil {
		ix.rest = without(ix.rest, t)
		if v.Undecided() {
			ix.asked--
		}
		return
	}
	n, _ := nameOf(by.Name)
	for _, is := range by.Values {
		key := value{n, is}
		if rest := without(ix.byValue[key], t); len(rest) > 0 {
			ix.byValue[key] = rest
		} else {
			delete(ix.byValue, key)
		}
	}
	if ix.names[n]--; ix.names[n] == 0 {
		delete(ix.names, n)
		if n.of == "tags" {
			ix.tags--
		}
	}
}

func without[T comparable](all []T, t T) []T {
	for i, have := range all {
		if have == t {
			var none T
			all[i] = all[len(all)-1]
			all[len(all)-1] = none
			return all[:len(all)-1]
		}
	}
	return all
}

// May calls with those that may be shown what is looked at, with each once.
func (ix *Index[T]) May(look *record.Look, may func(T)) {
	for _, t := range ix.rest {
		may(t)
	}
	if len(ix.names) == 0 {
		return
	}
	ix.are(name{of: "key"}, look.Key(), may)
	ix.are(name{of: "event"}, look.EventType(), may)
	tags := look.Tags()
	if ix.tags > len(tags) { // of the two the fewer are gone through
		for tag, has := range tags {
			ix.are(name{"tags", tag}, has, may)
		}
		return
	}
	for n := range ix.names {
		if has, is := tags[n.tag]; is && n.of == "tags" {
			ix.are(n, has, may)
		}
	}
}

// are calls with those who are found by a value under a name.
func (ix *Index[T]) are(n name, has string, may func(T)) {
	for _, t := range ix.byValue[value{n, has}] {
		may(t)
	}
}

// Undecided is how many Views have filters that are asked about everything.
func (ix *Index[T]) Undecided() int { return ix.asked }

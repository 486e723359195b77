package filter

import "github.com/tidewire/tidewire/realtime/filter/internal/field"

// Index finds, of many programs, those that match a publication. Programs with the same source are one entry. A program
// with a factor of the form name == constant is found by the value of that name; the others are evaluated one by one. The
// zero value is empty. An Index is not for concurrent use.
type Index[V any] struct {
	entries map[string]*entry[V]
	names   []*named[V]
	others  []*entry[V]
}

type entry[V any] struct {
	program *Program
	value   V
	by      *named[V] // nil: among the others
	factor  int       // of the program, that by decides
	place   int       // among the others
}

// named are the entries that want something of one name, by the value that they want.
type named[V any] struct {
	title   string
	name    operand
	wanting map[field.Value][]*entry[V]
}

// Len returns how many programs there are.
func (x *Index[V]) Len() int { return len(x.entries) }

// Evaluated returns how many programs are evaluated for every publication, because no equality finds them.
func (x *Index[V]) Evaluated() int { return len(x.others) }

// Get returns the value of a program.
func (x *Index[V]) Get(p *Program) (V, bool) {
	if e := x.entries[p.source]; e != nil {
		return e.value, true
	}
	var none V
	return none, false
}

// Set gives a program a value, in place of the one it had.
func (x *Index[V]) Set(p *Program, v V) {
	if e := x.entries[p.source]; e != nil {
		e.value = v
		return
	}
	if x.entries == nil {
		x.entries = map[string]*entry[V]{}
	}
	e := &entry[V]{program: p, value: v}
	x.entries[p.source] = e
	if e.by, e.factor = x.choose(p); e.by == nil {
		e.place = len(x.others)
		x.others = append(x.others, e)
		return
	}
	for _, want := range p.factors[e.factor].wants.values {
		e.by.wanting[want] = append(e.by.wanting[want], e)
	}
}

// choose returns the name that is to find a program: the one by which the fewest others are found with it, for it tells
// the programs apart best.
func (x *Index[V]) choose(p *Program) (*named[V], int) {
	best, factor, fewest := "", -1, 0
	for i, f := range p.factors {
		if f.wants.name == nil {
			continue
		}
		title, most := nameOf(f.wants.name), 0
		if by := x.titled(title); by != nil {
			for _, want := range f.wants.values {
				most = max(most, len(by.wanting[want]))
			}
		}
		if factor < 0 || most < fewest {
			best, factor, fewest = title, i, most
		}
	}
	if factor < 0 {
		return nil, 0
	}
	by := x.titled(best)
	if by == nil {
		by = &named[V]{title: best, name: p.factors[factor].wants.name, wanting: map[field.Value][]*entry[V]{}}
		x.names = append(x.names, by)
	}
	return by, factor
}

func (x *Index[V]) titled(title string) *named[V] {
	for _, by := range x.names {
		if by.title == title {
			return by
		}
	}
	return nil
}

// Delete removes a program.
func (x *Index[V]) Delete(p *Program) {
	e := x.entries[p.source]
	if e == nil {
		return
	}
	delete(x.entries, p.source)
	if e.by == nil {
		last := x.others[len(x.others)-1]
		x.others[e.place], last.place = last, e.place
		x.others[len(x.others)-1] = nil
		x.others = x.others[:len(x.others)-1]
		return
	}
	for _, want := range e.program.factors[e.factor].wants.values {
		e.by.remove(want, e)
	}
	if len(e.by.wanting) == 0 {
		x.forget(e.by)
	}
}

func (by *named[V]) remove(want field.Value, e *entry[V]) {
	list := by.wanting[want]
	for i := range list {
		if list[i] == e {
			list[i] = list[len(list)-1]
			list[len(list)-1] = nil
			list = list[:len(list)-1]
			break
		}
	}
	if len(list) == 0 {
		delete(by.wanting, want)
	} else {
		by.wanting[want] = list
	}
}

func (x *Index[V]) forget(by *named[V]) {
	for i := range x.names {
		if x.names[i] == by {
			x.names[i] = x.names[len(x.names)-1]
			x.names[len(x.names)-1] = nil
			x.names = x.names[:len(x.names)-1]
			return
		}
	}
}

// Match appends the values of the programs that match a publication, in no order, and returns the list. Each program is
// evaluated at most once.
func (x *Index[V]) Match(in *Input, matching []V) []V {
	for _, by := range x.names {
		for _, e := range by.wanting[by.name.read(in)] {
			if e.program.matchBut(in, e.factor) {
				matching = append(matching, e.value)
			}
		}
	}
	for _, e := range x.others {
		if e.program.Match(in) {
			matching = append(matching, e.value)
		}
	}
	return matching
}

// matchBut is Match without a factor that is known to hold.
func (p *Program) matchBut(in *Input, known int) bool {
	for i := range p.factors {
		if i != known && !p.factors[i].test.holds(in) {
			return false
		}
	}
	return true
}

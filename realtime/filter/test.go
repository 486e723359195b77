package filter

import (
	"strings"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// test is an expression that is true or false for each input, always one of the two.
type test interface {
	holds(in *Input) bool
	// fault says why something inside could not be evaluated and so was false; empty if nothing was.
	fault(in *Input) string
}

type always bool

func (a always) holds(*Input) bool { return bool(a) }
func (always) fault(*Input) string { return "" }

type every []test

func (a every) holds(in *Input) bool {
	for _, t := range a {
		if !t.holds(in) {
			return false
		}
	}
	return true
}
func (a every) fault(in *Input) string { return firstFault(in, a) }

type some []test

func (a some) holds(in *Input) bool {
	for _, t := range a {
		if t.holds(in) {
			return true
		}
	}
	return false
}
func (a some) fault(in *Input) string { return firstFault(in, a) }

type not struct{ of test }

func (n not) holds(in *Input) bool   { return !n.of.holds(in) }
func (n not) fault(in *Input) string { return n.of.fault(in) }

// either is c ? a : b as a test.
type either struct{ condition, yes, no test }

func (e either) chosen(in *Input) test {
	if e.condition.holds(in) {
		return e.yes
	}
	return e.no
}
func (e either) holds(in *Input) bool   { return e.chosen(in).holds(in) }
func (e either) fault(in *Input) string { return first(e.condition.fault(in), e.chosen(in).fault(in)) }

// truth is an operand that has to be true itself: data.urgent.
type truth struct{ of operand }

func (t truth) holds(in *Input) bool { return t.of.read(in) == field.BoolOf(true) }
func (t truth) fault(in *Input) string {
	if t.of.read(in).Kind == field.Bool {
		return ""
	}
	return first(t.of.why(in), "it is neither true nor false")
}

// equal is a == b; unequal is a != b. Values of two types are unequal.
type equal struct{ a, b operand }

func (e equal) holds(in *Input) bool {
	a, b := e.a.read(in), e.b.read(in)
	return a.Comparable() && a == b
}
func (e equal) fault(in *Input) string { return first(e.a.why(in), e.b.why(in)) }

type unequal struct{ a, b operand }

func (u unequal) holds(in *Input) bool {
	a, b := u.a.read(in), u.b.read(in)
	return a.Comparable() && b.Comparable() && a != b
}
func (u unequal) fault(in *Input) string { return first(u.a.why(in), u.b.why(in)) }

// tagEqual is tags.x == 'y', the most frequent of all.
type tagEqual struct{ tag, want string }

func (e tagEqual) holds(in *Input) bool {
	v, ok := in.tag(e.tag)
	return ok && v == e.want
}
func (e tagEqual) fault(in *Input) string { return tagName{e.tag}.why(in) }

// ordered is a < b, and so on. Only values of one type have an order: numbers, texts by their bytes, false before true.
type ordered struct {
	a, b                 operand
	less, equal, greater bool // which relations make it true
}

func (o ordered) holds(in *Input) bool {
	a, b := o.a.read(in), o.b.read(in)
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case field.Number, field.Bool:
		return o.less && a.Num < b.Num || o.equal && a.Num == b.Num || o.greater && a.Num > b.Num
	case field.Text:
		c := strings.Compare(a.Str, b.Str)
		return o.less && c < 0 || o.equal && c == 0 || o.greater && c > 0
	}
	return false
}

func (o ordered) fault(in *Input) string {
	if r := first(o.a.why(in), o.b.why(in)); r != "" || o.a.read(in).Kind == o.b.read(in).Kind {
		return r
	}
	return "values of two types have no order"
}

// oneOf is a in [b, c].
type oneOf struct {
	of   operand
	list []operand
}

func (m oneOf) holds(in *Input) bool {
	v := m.of.read(in)
	if !v.Comparable() {
		return false
	}
	found := false
	for _, o := range m.list {
		w := o.read(in)
		if !w.Comparable() { // the list cannot be made
			return false
		}
		found = found || v == w
	}
	return found
}

func (m oneOf) fault(in *Input) string {
	r := m.of.why(in)
	for _, o := range m.list {
		r = first(r, o.why(in))
	}
	return r
}

// oneOfSet is oneOf with constants only.
type oneOfSet struct {
	of  operand
	set map[field.Value]struct{}
}

func (m oneOfSet) holds(in *Input) bool {
	v := m.of.read(in)
	_, found := m.set[v]
	return found
}
func (m oneOfSet) fault(in *Input) string { return m.of.why(in) }

// hasTag is has(tags.x), and 'x' in tags.
type hasTag struct{ name operand }

func (h hasTag) holds(in *Input) bool {
	name := h.name.read(in)
	if name.Kind != field.Text {
		return false
	}
	_, ok := in.tag(name.Str)
	return ok
}
func (h hasTag) fault(in *Input) string { return h.name.why(in) }

// hasField is has(data.x). Null is a value.
type hasField struct{ of dataField }

func (h hasField) holds(in *Input) bool { return h.of.read(in).Kind != field.Missing }
func (hasField) fault(*Input) string    { return "" }

// pair is a function of two texts: startsWith, endsWith, contains.
type pair struct {
	of   func(s, part string) bool
	a, b operand
}

func (p pair) holds(in *Input) bool {
	a, b := p.a.read(in), p.b.read(in)
	return a.Kind == field.Text && b.Kind == field.Text && p.of(a.Str, b.Str)
}

func (p pair) fault(in *Input) string {
	if r := first(p.a.why(in), p.b.why(in)); r != "" || p.a.read(in).Kind == field.Text && p.b.read(in).Kind == field.Text {
		return r
	}
	return "only texts have parts"
}

func firstFault(in *Input, tests []test) string {
	for _, t := range tests {
		if r := t.fault(in); r != "" {
			return r
		}
	}
	return ""
}

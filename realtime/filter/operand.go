package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// operand is an expression that has a value for each input. read returns a missing one if it cannot be computed.
type operand interface {
	read(in *Input) field.Value
	// why says for what reason the operand is missing or cannot be compared; empty if it is neither.
	why(in *Input) string
}

type constant struct{ value field.Value }

func (c constant) read(*Input) field.Value { return c.value }
func (c constant) why(*Input) string {
	if c.value.Kind == field.Missing {
		return "the viewer has no user"
	}
	return ""
}

// attribute is a name of the publication itself, always a text: key, event, source, contentType.
type attribute string

func (a attribute) read(in *Input) field.Value { return field.TextOf(a.of(in)) }
func (attribute) why(*Input) string            { return "" }

func (a attribute) of(in *Input) string {
	switch a {
	case "key":
		return in.of.Key
	case "event":
		return in.of.EventType
	case "source":
		return in.of.Source
	}
	return in.of.ContentType
}

// tagName is tags.x.
type tagName struct{ tag string }

func (t tagName) read(in *Input) field.Value {
	if v, ok := in.tag(t.tag); ok {
		return field.TextOf(v)
	}
	return field.Value{}
}

func (t tagName) why(in *Input) string {
	if _, ok := in.tag(t.tag); ok {
		return ""
	}
	return "there is no tag " + strconv.Quote(t.tag)
}

// tagNamed is tags[e], of a name that is computed.
type tagNamed struct{ name operand }

func (t tagNamed) read(in *Input) field.Value {
	if name := t.name.read(in); name.Kind == field.Text {
		return tagName{name.Str}.read(in)
	}
	return field.Value{}
}

func (t tagNamed) why(in *Input) string {
	if name := t.name.read(in); name.Kind == field.Text {
		return tagName{name.Str}.why(in)
	}
	return first(t.name.why(in), "the name of a tag is no text")
}

// dataField is a declared field.
type dataField struct {
	of    *field.Set
	field int
}

func (d dataField) read(in *Input) field.Value { return in.field(d.of, d.field) }
func (d dataField) why(in *Input) string {
	switch d.read(in).Kind {
	case field.Missing:
		return "there is no " + d.of.Names()[d.field]
	case field.Composite:
		return d.of.Names()[d.field] + " is an object, a list or a number out of range"
	}
	return ""
}

// toNumber is num(e).
type toNumber struct {
	of   operand
	text string // of the expression
}

func (n toNumber) read(in *Input) field.Value {
	switch v := n.of.read(in); v.Kind {
	case field.Number:
		return v
	case field.Text:
		if f, ok := field.ParseNumber(v.Str); ok {
			return field.NumberOf(f)
		}
	}
	return field.Value{}
}

func (n toNumber) why(in *Input) string {
	if n.read(in).Kind == field.Number {
		return ""
	}
	return first(n.of.why(in), n.text+" is no number")
}

// sizeOf is size(e) of a text, in characters.
type sizeOf struct{ of operand }

func (s sizeOf) read(in *Input) field.Value {
	if v := s.of.read(in); v.Kind == field.Text {
		return field.NumberOf(float64(utf8.RuneCountInString(v.Str)))
	}
	return field.Value{}
}

func (s sizeOf) why(in *Input) string {
	if s.of.read(in).Kind == field.Text {
		return ""
	}
	return first(s.of.why(in), "size() of what is no text")
}

// arithmetic is one of + - * / with two numbers.
type arithmetic struct {
	operator byte
	a, b     operand
}

func (x arithmetic) read(in *Input) field.Value {
	a, b := x.a.read(in), x.b.read(in)
	if a.Kind != field.Number || b.Kind != field.Number {
		return field.Value{}
	}
	switch x.operator {
	case '+':
		return field.NumberOf(a.Num + b.Num)
	case '-':
		return field.NumberOf(a.Num - b.Num)
	case '*':
		return field.NumberOf(a.Num * b.Num)
	}
	return field.NumberOf(a.Num / b.Num)
}

func (x arithmetic) why(in *Input) string {
	if x.read(in).Kind == field.Number {
		return ""
	}
	return first(x.a.why(in), x.b.why(in), "arithmetic with what is no number")
}

// negated is -e.
type negated struct{ of operand }

func (n negated) read(in *Input) field.Value {
	if v := n.of.read(in); v.Kind == field.Number {
		return field.NumberOf(-v.Num)
	}
	return field.Value{}
}

func (n negated) why(in *Input) string {
	if n.of.read(in).Kind == field.Number {
		return ""
	}
	return first(n.of.why(in), "minus with what is no number")
}

// choice is c ? a : b as a value.
type choice struct {
	condition test
	yes, no   operand
}

func (c choice) chosen(in *Input) operand {
	if c.condition.holds(in) {
		return c.yes
	}
	return c.no
}

func (c choice) read(in *Input) field.Value { return c.chosen(in).read(in) }
func (c choice) why(in *Input) string       { return c.chosen(in).why(in) }

// verdict is a test as a value.
type verdict struct{ of test }

func (v verdict) read(in *Input) field.Value { return field.BoolOf(v.of.holds(in)) }
func (v verdict) why(*Input) string          { return "" }

// first returns the first reason that is not empty.
func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return strings.ToValidUTF8(r, "\uFFFD")
		}
	}
	return ""
}

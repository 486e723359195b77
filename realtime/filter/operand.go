package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// operand is an expression that has a value for each input. read returns a missing one if it cannot be computed.
type operand interface {
	read(in *Input) value
	// why says for what reason the operand is missing or cannot be compared; empty if it is neither.
	why(in *Input) string
}

type constant struct{ value value }

func (c constant) read(*Input) value { return c.value }
func (c constant) why(*Input) string {
	if c.value.kind == missing {
		return "the viewer has no user"
	}
	return ""
}

// attribute is a name of the publication itself, always a text: key, event, source, contentType.
type attribute string

func (a attribute) read(in *Input) value { return textValue(a.of(in)) }
func (attribute) why(*Input) string      { return "" }

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

func (t tagName) read(in *Input) value {
	if v, ok := in.tag(t.tag); ok {
		return textValue(v)
	}
	return value{}
}

func (t tagName) why(in *Input) string {
	if _, ok := in.tag(t.tag); ok {
		return ""
	}
	return "there is no tag " + strconv.Quote(t.tag)
}

// tagNamed is tags[e], of a name that is computed.
type tagNamed struct{ name operand }

func (t tagNamed) read(in *Input) value {
	if name := t.name.read(in); name.kind == text {
		return tagName{name.str}.read(in)
	}
	return value{}
}

func (t tagNamed) why(in *Input) string {
	if name := t.name.read(in); name.kind == text {
		return tagName{name.str}.why(in)
	}
	return first(t.name.why(in), "the name of a tag is no text")
}

// dataField is a declared field.
type dataField struct {
	of    *fields
	field int
}

func (d dataField) read(in *Input) value { return in.field(d.of, d.field) }
func (d dataField) why(in *Input) string {
	switch d.read(in).kind {
	case missing:
		return "there is no " + d.of.names[d.field]
	case composite:
		return d.of.names[d.field] + " is an object, a list or a number out of range"
	}
	return ""
}

// toNumber is num(e).
type toNumber struct {
	of   operand
	text string // of the expression
}

func (n toNumber) read(in *Input) value {
	switch v := n.of.read(in); v.kind {
	case number:
		return v
	case text:
		if f, ok := parseNumber(v.str); ok {
			return numberValue(f)
		}
	}
	return value{}
}

func (n toNumber) why(in *Input) string {
	if n.read(in).kind == number {
		return ""
	}
	return first(n.of.why(in), n.text+" is no number")
}

// sizeOf is size(e) of a text, in characters.
type sizeOf struct{ of operand }

func (s sizeOf) read(in *Input) value {
	if v := s.of.read(in); v.kind == text {
		return numberValue(float64(utf8.RuneCountInString(v.str)))
	}
	return value{}
}

func (s sizeOf) why(in *Input) string {
	if s.of.read(in).kind == text {
		return ""
	}
	return first(s.of.why(in), "size() of what is no text")
}

// arithmetic is one of + - * / with two numbers.
type arithmetic struct {
	operator byte
	a, b     operand
}

func (x arithmetic) read(in *Input) value {
	a, b := x.a.read(in), x.b.read(in)
	if a.kind != number || b.kind != number {
		return value{}
	}
	switch x.operator {
	case '+':
		return numberValue(a.num + b.num)
	case '-':
		return numberValue(a.num - b.num)
	case '*':
		return numberValue(a.num * b.num)
	}
	return numberValue(a.num / b.num)
}

func (x arithmetic) why(in *Input) string {
	if x.read(in).kind == number {
		return ""
	}
	return first(x.a.why(in), x.b.why(in), "arithmetic with what is no number")
}

// negated is -e.
type negated struct{ of operand }

func (n negated) read(in *Input) value {
	if v := n.of.read(in); v.kind == number {
		return numberValue(-v.num)
	}
	return value{}
}

func (n negated) why(in *Input) string {
	if n.of.read(in).kind == number {
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

func (c choice) read(in *Input) value { return c.chosen(in).read(in) }
func (c choice) why(in *Input) string { return c.chosen(in).why(in) }

// verdict is a test as a value.
type verdict struct{ of test }

func (v verdict) read(in *Input) value { return boolValue(v.of.holds(in)) }
func (v verdict) why(*Input) string    { return "" }

// first returns the first reason that is not empty.
func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return strings.ToValidUTF8(r, "\uFFFD")
		}
	}
	return ""
}

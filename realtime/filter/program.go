package filter

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// Program is a filter that was compiled for one viewer. It is not changed, and may be used concurrently.
type Program struct {
	source  string
	factors []factor // joined by &&; none is always true
}

// factor is one operand of the && at the top of a filter.
type factor struct {
	test   test
	source string
	equal  *Equality // nil if the factor is none
}

// Equality says that all that a program matches has one of some values under a name.
type Equality struct {
	Name   string // "key", "event", or "tags." and a tag's name
	Values []string
}

func newProgram(l *lowerer, bound ast.Expr) *Program {
	var p Program
	for _, e := range operandsOf(bound, nil) {
		p.add(factor{test: l.test(e), source: printed(e)})
	}
	return p.named()
}

// operandsOf appends the operands of the && that e is, or e.
func operandsOf(e ast.Expr, to []ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.LogicalAnd {
		return append(to, e)
	}
	for _, arg := range e.AsCall().Args() {
		to = operandsOf(arg, to)
	}
	return to
}

// add adds a factor that is not there yet, and that is not true anyway.
func (p *Program) add(f factor) {
	if f.test == always(true) {
		return
	}
	for _, have := range p.factors {
		if have.source == f.source {
			return
		}
	}
	f.equal = equalityOf(f.test)
	p.factors = append(p.factors, f)
}

// named gives the program its source, and returns it.
func (p *Program) named() *Program {
	if len(p.factors) == 0 {
		p.source = "true"
		return p
	}
	sources := make([]string, len(p.factors))
	for i, f := range p.factors {
		sources[i] = f.source
		if len(p.factors) > 1 && !f.tight() {
			sources[i] = "(" + f.source + ")"
		}
	}
	p.source = strings.Join(sources, " && ")
	return p
}

// tight reports whether the factor needs no parentheses inside &&.
func (f factor) tight() bool {
	switch f.test.(type) {
	case some, either:
		return false
	}
	return true
}

// And returns the program that matches what all of them match. nil is a program that matches everything.
func And(programs ...*Program) *Program {
	var joined Program
	for _, p := range programs {
		if p != nil {
			for _, f := range p.factors {
				joined.add(f)
			}
		}
	}
	return joined.named()
}

// Or returns the program that matches what one of them matches; without any it matches nothing. nil is a
// program that matches everything.
func Or(programs ...*Program) *Program {
	if len(programs) == 1 && programs[0] != nil {
		return programs[0]
	}
	var either some
	var sources []string
	for _, p := range programs {
		if p == nil || len(p.factors) == 0 {
			return And()
		}
		var both every
		for _, f := range p.factors {
			both = append(both, f.test)
		}
		either, sources = append(either, both), append(sources, "("+p.source+")")
	}
	var joined Program
	if len(either) == 0 {
		joined.add(factor{test: always(false), source: "false"})
	} else {
		joined.add(factor{test: either, source: strings.Join(sources, " || ")})
	}
	return joined.named()
}

// Match reports whether a publication is one that the filter lets through. It does not panic, and what it costs is bounded.
func (p *Program) Match(in *Input) bool {
	for i := range p.factors {
		if !p.factors[i].test.holds(in) {
			return false
		}
	}
	return true
}

// Source returns the filter as text in one form, with what the viewer is in place of names and templates. Programs with the same source that were
// compiled for the same declared fields match the same. It may hold what a viewer must not see.
func (p *Program) Source() string { return p.source }

// Always reports whether the program matches every publication.
func (p *Program) Always() bool { return len(p.factors) == 0 }

// Equalities returns what the factors of the form name == 'text', or name in ['text', 'text'], say of keys, events and tags. Whoever has many
// programs need not ask those about a publication that wants other values.
func (p *Program) Equalities() (all []Equality) {
	for _, f := range p.factors {
		if f.equal != nil {
			all = append(all, *f.equal)
		}
	}
	return all
}

func equalityOf(t test) *Equality {
	switch t := t.(type) {
	case tagEqual:
		return &Equality{nameOf(tagName{t.tag}), []string{t.want}}
	case equal:
		if c, ok := t.b.(constant); ok && nameOf(t.a) != "" && c.value.Kind == field.Text {
			return &Equality{nameOf(t.a), []string{c.value.Str}}
		}
	case oneOfSet:
		if nameOf(t.of) == "" {
			return nil
		}
		e := &Equality{Name: nameOf(t.of)}
		for v := range t.set {
			if v.Kind == field.Text { // a key, an event and a tag are nothing else
				e.Values = append(e.Values, v.Str)
			}
		}
		slices.Sort(e.Values)
		return e
	}
	return nil
}

// nameOf returns what an operand is called that is a key, an event or a tag; of others it is empty.
func nameOf(o operand) string {
	switch o := o.(type) {
	case attribute:
		if o == "key" || o == "event" {
			return string(o)
		}
	case tagName:
		return "tags." + o.tag
	}
	return ""
}

package filter

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// lowerer makes what is evaluated from a bound tree that was checked. Comparisons that it has no own
// evaluation for go to cel-go, one by one.
type lowerer struct {
	env     *cel.Env
	fields  *field.Set
	checked *ast.AST
	total   map[int64]ast.Expr // totaler.made
	err     error
}

// test returns e as a test.
func (l *lowerer) test(e ast.Expr) test {
	switch e.Kind() {
	case ast.LiteralKind:
		return always(e.AsLiteral() == types.True)
	case ast.CallKind:
		c := e.AsCall()
		switch args := c.Args(); c.FunctionName() {
		case operators.LogicalAnd:
			return every(l.joined(e, operators.LogicalAnd, nil))
		case operators.LogicalOr:
			return some(l.joined(e, operators.LogicalOr, nil))
		case operators.LogicalNot:
			return not{l.test(args[0])}
		case operators.Conditional:
			return either{l.test(args[0]), l.test(args[1]), l.test(args[2])}
		}
	}
	if own, ok := l.comparison(e); ok {
		return own
	}
	return l.cel(e)
}

// joined appends the operands of a chain of one operator.
func (l *lowerer) joined(e ast.Expr, operator string, to []test) []test {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return append(to, l.test(e))
	}
	for _, arg := range e.AsCall().Args() {
		to = l.joined(arg, operator, to)
	}
	return to
}

// cel returns e as a test of cel-go.
func (l *lowerer) cel(e ast.Expr) test {
	total := l.total[e.ID()]
	if total == nil {
		total = e
	}
	t, err := newCelTest(l.env, l.checked, total, l.fields)
	if err != nil && l.err == nil {
		l.err = err
	}
	return t
}

// comparison returns e as a test of ours.
func (l *lowerer) comparison(e ast.Expr) (test, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); s.IsTestOnly() {
			return hasTag{constant{field.TextOf(s.FieldName())}}, true
		}
	case ast.CallKind:
		c := e.AsCall()
		name, args := c.FunctionName(), c.Args()
		switch {
		case name == hasData:
			field, ok := l.operand(args[0])
			return hasField{field.(dataField)}, ok
		case name == operators.In:
			return l.in(args[0], args[1])
		case c.IsMemberFunction() && len(args) == 1 && isComparison(name):
			return l.pair(name, c.Target(), args[0])
		case isComparison(name) && len(args) == 2:
			return l.relation(name, args[0], args[1])
		}
	}
	of, ok := l.operand(e)
	return truth{of}, ok
}

func (l *lowerer) pair(name string, x, y ast.Expr) (test, bool) {
	a, okA := l.operand(x)
	b, okB := l.operand(y)
	of := strings.Contains
	switch name {
	case "startsWith":
		of = strings.HasPrefix
	case "endsWith":
		of = strings.HasSuffix
	}
	return pair{of, a, b}, okA && okB
}

func (l *lowerer) relation(name string, x, y ast.Expr) (test, bool) {
	a, okA := l.operand(x)
	b, okB := l.operand(y)
	if !okA || !okB {
		return nil, false
	}
	switch name {
	case operators.Equals:
		return equality(a, b), true
	case operators.NotEquals:
		return unequal{a, b}, true
	case operators.Less:
		return ordered{a: a, b: b, less: true}, true
	case operators.LessEquals:
		return ordered{a: a, b: b, less: true, equal: true}, true
	case operators.Greater:
		return ordered{a: a, b: b, greater: true}, true
	}
	return ordered{a: a, b: b, greater: true, equal: true}, true
}

// equality returns a == b, with a constant on the right.
func equality(a, b operand) test {
	if _, ok := a.(constant); ok {
		a, b = b, a
	}
	tag, okTag := a.(tagName)
	want, okWant := b.(constant)
	if okTag && okWant && want.value.Kind == field.Text {
		return tagEqual{tag.tag, want.value.Str}
	}
	return equal{a, b}
}

func (l *lowerer) in(x, y ast.Expr) (test, bool) {
	of, ok := l.operand(x)
	if !ok {
		return nil, false
	}
	if y.Kind() == ast.IdentKind && y.AsIdent() == "tags" {
		return hasTag{of}, true
	}
	if y.Kind() != ast.ListKind {
		return nil, false
	}
	list, set := []operand{}, map[field.Value]struct{}{}
	for _, e := range y.AsList().Elements() {
		o, ok := l.operand(e)
		if !ok {
			return nil, false
		}
		list = append(list, o)
		if c, ok := o.(constant); ok && c.value.Comparable() {
			set[c.value] = struct{}{}
		}
	}
	for _, o := range list {
		if c, ok := o.(constant); !ok || !c.value.Comparable() {
			return oneOf{of, list}, true
		}
	}
	return oneOfSet{of, set}, true
}

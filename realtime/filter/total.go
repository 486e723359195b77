package filter

import (
	"strconv"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// holds is the function that makes an expression total: true if its argument is, and false if it is false or could not
// be evaluated. In CEL an error spreads to the end; here it stays in its comparison.
const holds = "@holds"

// totaler makes, of a bound tree, the one that cel-go checks and evaluates.
type totaler struct {
	binder *binder
	made   map[int64]ast.Expr // by the ID of the bound expression: what it became
}

// test returns e where true or false is wanted.
func (t *totaler) test(e ast.Expr) ast.Expr {
	made := t.value(e)
	switch {
	case isTotal(e):
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional:
		args := e.AsCall().Args()
		made = t.binder.fac.NewCall(e.ID(), operators.Conditional, t.test(args[0]), t.test(args[1]), t.test(args[2]))
	default:
		made = t.holds(made)
	}
	t.made[e.ID()] = made
	return made
}

// value returns e where a value is wanted.
func (t *totaler) value(e ast.Expr) ast.Expr {
	fac := t.binder.fac
	switch e.Kind() {
	case ast.IdentKind:
		if number, ok := t.binder.fields.Find(e.AsIdent()); ok {
			return fac.NewIdent(e.ID(), fieldName(number))
		}
	case ast.ListKind:
		return fac.NewList(e.ID(), t.values(e.AsList().Elements()), nil)
	case ast.CallKind:
		return t.call(e)
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return fac.NewComprehensionTwoVar(e.ID(), t.value(c.IterRange()), c.IterVar(), c.IterVar2(), c.AccuVar(), t.value(c.AccuInit()),
			t.value(c.LoopCondition()), t.value(c.LoopStep()), t.value(c.Result()))
	}
	return e
}

func (t *totaler) values(list []ast.Expr) []ast.Expr {
	made := make([]ast.Expr, len(list))
	for i, e := range list {
		made[i] = t.value(e)
	}
	return made
}

func (t *totaler) call(e ast.Expr) ast.Expr {
	fac, c := t.binder.fac, e.AsCall()
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		made := make([]ast.Expr, len(args))
		for i, arg := range args {
			made[i] = t.test(arg)
		}
		return fac.NewCall(e.ID(), name, made...)
	case operators.Conditional:
		return fac.NewCall(e.ID(), name, t.test(args[0]), t.value(args[1]), t.value(args[2]))
	case hasData:
		number, _ := t.binder.fields.Find(args[0].AsIdent())
		return fac.NewIdent(e.ID(), presenceName(number))
	}
	var made ast.Expr
	if c.IsMemberFunction() {
		made = fac.NewMemberCall(e.ID(), c.FunctionName(), t.value(c.Target()), t.values(args)...)
	} else {
		made = fac.NewCall(e.ID(), c.FunctionName(), t.values(args)...)
	}
	switch {
	case isComparison(c.FunctionName()):
		return t.holds(made)
	case c.FunctionName() == "size":
		return fac.NewCall(t.binder.newID(e.ID()), "num", made) // of an integer: there is one type of numbers
	}
	return made
}

func (t *totaler) holds(e ast.Expr) ast.Expr {
	return t.binder.fac.NewCall(t.binder.newID(e.ID()), holds, e)
}

// isComparison reports whether a call is a comparison: what stands in it and cannot be computed makes it false.
func isComparison(function string) bool {
	switch function {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.In, "startsWith", "endsWith", "contains":
		return true
	}
	return false
}

// isTotal reports whether a bound expression is true or false for each input.
func isTotal(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return e.AsLiteral().Type() == types.BoolType
	case ast.SelectKind:
		return e.AsSelect().IsTestOnly()
	case ast.CallKind:
		switch name := e.AsCall().FunctionName(); name {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, hasData:
			return true
		default:
			return isComparison(name)
		}
	}
	return false
}

// fieldName and presenceName are the variables of cel-go for a declared field, and for whether it is there.
func fieldName(number int) string    { return "@field" + strconv.Itoa(number) }
func presenceName(number int) string { return "@has" + strconv.Itoa(number) }

package filter

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// measure counts the nodes of a parsed tree, and finds how deep it is. What stands inside the operator joined is joined to it.
func measure(e ast.Expr, joined string) (nodes, depth int) {
	var inside []ast.Expr
	operator := ""
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if inside = c.Args(); c.IsMemberFunction() {
			inside = append([]ast.Expr{c.Target()}, inside...)
		}
		if operator = c.FunctionName(); operator == operators.Index && isName(inside[0]) {
			inside = inside[1:] // tags['x'] is a name, as tags.x is
		}
	case ast.SelectKind:
		if operand := e.AsSelect().Operand(); !isName(operand) {
			inside = []ast.Expr{operand}
		}
	case ast.ListKind:
		inside = e.AsList().Elements()
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			inside = append(inside, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		inside = []ast.Expr{c.IterRange(), c.LoopStep()}
	}
	for _, e := range inside {
		n, d := measure(e, operator)
		nodes, depth = nodes+n, max(depth, d)
	}
	if chained(operator) && operator == joined {
		return nodes, depth
	}
	return nodes + 1, depth + 1
}

func chained(operator string) bool {
	switch operator {
	case operators.LogicalAnd, operators.LogicalOr, operators.Add, operators.Multiply:
		return true
	}
	return false
}

// isName reports whether e is a name, or a path of members of one.
func isName(e ast.Expr) bool {
	switch e.Kind() {
	case ast.IdentKind:
		return true
	case ast.SelectKind:
		return isName(e.AsSelect().Operand())
	}
	return false
}

package filter

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// operand returns e as an operand of ours.
func (l *lowerer) operand(e ast.Expr) (operand, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		return literalOperand(e)
	case ast.IdentKind:
		return l.named(e.AsIdent())
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			return tagName{s.FieldName()}, true
		}
	case ast.CallKind:
		if isTotal(e) {
			break
		}
		return l.computed(e)
	}
	if !isTotal(e) {
		return nil, false
	}
	return verdict{l.test(e)}, true
}

func literalOperand(e ast.Expr) (operand, bool) {
	switch v := e.AsLiteral().(type) {
	case types.String:
		return constant{field.TextOf(string(v))}, true
	case types.Double:
		return constant{field.NumberOf(float64(v))}, true
	case types.Bool:
		return constant{field.BoolOf(bool(v))}, true
	case types.Null:
		return constant{field.Value{Kind: field.Null}}, true
	}
	return nil, false
}

func (l *lowerer) named(name string) (operand, bool) {
	switch name {
	case "key", "event", "source", "contentType":
		return attribute(name), true
	case noUser:
		return constant{}, true
	}
	number, ok := l.fields.Find(name)
	return dataField{l.fields, number}, ok
}

// computed returns a call that is no test as an operand.
func (l *lowerer) computed(e ast.Expr) (operand, bool) {
	c := e.AsCall()
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	name := c.FunctionName()
	switch name {
	case operators.Conditional:
		yes, okYes := l.operand(args[1])
		no, okNo := l.operand(args[2])
		if !okYes || !okNo {
			return nil, false
		}
		return choice{l.test(args[0]), yes, no}, true
	case operators.Index:
		of, ok := l.operand(args[1])
		return tagNamed{of}, ok && args[0].Kind() == ast.IdentKind && args[0].AsIdent() == "tags"
	}
	of, ok := l.operand(args[0])
	if !ok {
		return nil, false
	}
	switch name {
	case "num":
		return toNumber{of, printed(e)}, true
	case "size":
		return sizeOf{of}, true
	case operators.Negate:
		return negated{of}, true
	case operators.Subtract, operators.Multiply, operators.Divide:
		return l.arithmetic(name[1], of, args[1])
	case operators.Add: // joins texts and lists too
		if l.isNumber(args[0]) || l.isNumber(args[1]) {
			return l.arithmetic(name[1], of, args[1])
		}
	}
	return nil, false
}

func (l *lowerer) arithmetic(operator byte, a operand, y ast.Expr) (operand, bool) {
	b, ok := l.operand(y)
	return arithmetic{operator, a, b}, ok
}

func (l *lowerer) isNumber(e ast.Expr) bool {
	of := l.checked.GetType(e.ID())
	return of != nil && (of.Kind() == types.DoubleKind || of.Kind() == types.IntKind) // size
}

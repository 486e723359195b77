package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// printed returns a bound tree as text, the same for trees that mean the same at each place: programs are told apart
// by it. So it holds what the viewer is where the filter depends on it.
func printed(e ast.Expr) string {
	var p printer
	p.print(e, 0)
	return p.String()
}

type printer struct{ strings.Builder }

// How tightly operators bind; an operand that binds less is put in parentheses.
const (
	bindsChoice = iota + 1
	bindsOr
	bindsAnd
	bindsRelation
	bindsSum
	bindsProduct
	bindsUnary
	bindsMember
)

func precedence(function string) int {
	switch function {
	case operators.Conditional:
		return bindsChoice
	case operators.LogicalOr:
		return bindsOr
	case operators.LogicalAnd:
		return bindsAnd
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.In:
		return bindsRelation
	case operators.Add, operators.Subtract:
		return bindsSum
	case operators.Multiply, operators.Divide:
		return bindsProduct
	case operators.LogicalNot, operators.Negate:
		return bindsUnary
	}
	return bindsMember
}

// print writes e, in parentheses if it binds less than outer.
func (p *printer) print(e ast.Expr, outer int) {
	switch e.Kind() {
	case ast.LiteralKind:
		p.literal(e)
	case ast.IdentKind:
		p.path(e.AsIdent())
	case ast.SelectKind:
		p.tag(e.AsSelect())
	case ast.ListKind:
		p.WriteByte('[')
		p.list(e.AsList().Elements())
		p.WriteByte(']')
	case ast.CallKind:
		p.call(e.AsCall(), outer)
	case ast.ComprehensionKind:
		p.comprehension(e.AsComprehension())
	}
}

func (p *printer) literal(e ast.Expr) {
	switch v := e.AsLiteral().(type) {
	case types.String:
		p.quoted(string(v))
	case types.Double:
		if v < 0 {
			p.WriteByte('(') // -1 is a literal too
			defer p.WriteByte(')')
		}
		s := strconv.FormatFloat(float64(v), 'g', -1, 64)
		p.WriteString(strings.Replace(s, "e+", "e", 1))
	case types.Int: // the number of an element
		p.WriteString(strconv.FormatInt(int64(v), 10))
	case types.Bool:
		p.WriteString(strconv.FormatBool(bool(v)))
	default:
		p.WriteString("null")
	}
}

func (p *printer) quoted(s string) {
	p.WriteByte('\'')
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1: // a name of a viewer that is not UTF-8 is told from all others too
			p.hex(s[0])
		case r == '\'' || r == '\\':
			p.WriteByte('\\')
			p.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			p.hex(byte(r))
		default:
			p.WriteRune(r)
		}
		s = s[size:]
	}
	p.WriteByte('\'')
}

func (p *printer) hex(c byte) {
	const digits = "0123456789abcdef"
	p.WriteString(`\x`)
	p.WriteByte(digits[c>>4])
	p.WriteByte(digits[c&15])
}

// path writes a name, or the declared name of a field.
func (p *printer) path(name string) {
	segments := strings.Split(name, ".")
	p.WriteString(segments[0])
	for _, s := range segments[1:] {
		p.member(s)
	}
}

func (p *printer) member(name string) {
	if isIdentifier(name) {
		p.WriteByte('.')
		p.WriteString(name)
		return
	}
	p.WriteByte('[')
	p.quoted(name)
	p.WriteByte(']')
}

func (p *printer) tag(s ast.SelectExpr) {
	if s.IsTestOnly() {
		p.WriteString("has(tags.")
		p.WriteString(s.FieldName())
		p.WriteByte(')')
		return
	}
	p.WriteString("tags")
	p.member(s.FieldName())
}

func (p *printer) list(list []ast.Expr) {
	for i, e := range list {
		if i > 0 {
			p.WriteString(", ")
		}
		p.print(e, 0)
	}
}

func (p *printer) call(c ast.CallExpr, outer int) {
	name, args := c.FunctionName(), c.Args()
	own := precedence(name)
	if own < outer {
		p.WriteByte('(')
		defer p.WriteByte(')')
	}
	switch {
	case c.IsMemberFunction():
		p.print(c.Target(), bindsMember)
		p.WriteString("." + name + "(")
		p.list(args)
		p.WriteByte(')')
	case name == operators.Conditional:
		p.print(args[0], bindsOr)
		p.WriteString(" ? ")
		p.print(args[1], bindsOr)
		p.WriteString(" : ")
		p.print(args[2], bindsChoice)
	case name == operators.Index:
		p.print(args[0], bindsMember)
		p.WriteByte('[')
		p.print(args[1], 0)
		p.WriteByte(']')
	case own == bindsUnary:
		p.WriteString(operatorNames()[name])
		p.print(args[0], bindsUnary+1)
	case own < bindsUnary:
		p.print(args[0], own)
		p.WriteString(" " + operatorNames()[name] + " ")
		right := own + 1
		if name == operators.LogicalAnd || name == operators.LogicalOr {
			right = own
		}
		p.print(args[1], right)
	default:
		p.WriteString(strings.TrimPrefix(name, "@") + "(")
		p.list(args)
		p.WriteByte(')')
	}
}

// comprehension writes exists, all and so on as what they are, which is no text of a filter.
func (p *printer) comprehension(c ast.ComprehensionExpr) {
	p.WriteString("fold(")
	p.print(c.IterRange(), 0)
	p.WriteString(", " + c.IterVar() + ", " + c.IterVar2() + ", " + c.AccuVar() + ", ")
	p.list([]ast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	p.WriteByte(')')
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && !isWord(s)
}

// isWord reports whether s is a word of CEL, which cannot be written behind a dot everywhere.
func isWord(s string) bool {
	switch s {
	case "in", "true", "false", "null", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
		"namespace", "return", "var", "void", "while":
		return true
	}
	return false
}

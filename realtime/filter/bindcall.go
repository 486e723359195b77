package filter

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

func (b *binder) call(e ast.Expr) ast.Expr {
	c := e.AsCall()
	name := c.FunctionName()
	if _, known := b.known[name]; !known {
		switch name {
		case operators.Modulo:
			return b.fail(e, "%% is not supported")
		case "matches":
			return b.fail(e, "matches is not supported: use startsWith, endsWith or contains")
		case operators.Has:
			return b.fail(e, "has() takes one name, as has(tags.client)")
		}
		return b.fail(e, "unknown function %q; known are num, has, size, startsWith, endsWith, contains, exists and all", name)
	}
	args := c.Args()
	switch {
	case name == operators.Index:
		return b.index(e, args)
	case name == operators.In && args[1].Kind() == ast.IdentKind && args[1].AsIdent() == "tags":
		return b.fac.NewCall(e.ID(), name, b.bind(args[0]), args[1])
	case name == operators.Equals:
		for i := range args {
			if copies, ok := b.ofGroups(args[i]); ok {
				return b.fac.NewCall(e.ID(), operators.In, b.bind(args[1-i]), b.fac.NewList(b.newID(args[i].ID()), copies, nil))
			}
		}
	case c.IsMemberFunction() && len(args) == 1:
		if copies, ok := b.ofGroups(args[0]); ok {
			return b.some(e, copies)
		}
	}
	if c.IsMemberFunction() {
		return b.fac.NewMemberCall(e.ID(), name, b.bind(c.Target()), b.bindAll(args)...)
	}
	return b.fac.NewCall(e.ID(), name, b.bindAll(args)...)
}

// some is a call with one argument, true if it is for one of several.
func (b *binder) some(e ast.Expr, args []ast.Expr) ast.Expr {
	if len(args) == 0 {
		return b.fac.NewLiteral(e.ID(), types.False)
	}
	var joined ast.Expr
	for _, arg := range args {
		target := b.fac.CopyExpr(e.AsCall().Target())
		target.RenumberIDs(b.newID)
		one := b.fac.NewMemberCall(b.newID(e.ID()), e.AsCall().FunctionName(), b.bind(target), arg)
		if joined == nil {
			joined = one
		} else {
			joined = b.fac.NewCall(b.newID(e.ID()), operators.LogicalOr, joined, one)
		}
	}
	return joined
}

// index is tags['x'], data['x'] or an element of a list.
func (b *binder) index(e ast.Expr, args []ast.Expr) ast.Expr {
	if args[0].Kind() == ast.IdentKind && args[0].AsIdent() == "tags" {
		name := b.bind(args[1])
		if s, ok := literalText(name); ok {
			return b.fac.NewSelect(e.ID(), args[0], s)
		}
		return b.fac.NewCall(e.ID(), operators.Index, args[0], name)
	}
	if path, ok := dataPath(e); ok {
		return b.field(e, path, false)
	}
	number := args[1]
	if number.Kind() != ast.LiteralKind || number.AsLiteral().Type() != types.IntType {
		number = b.bind(number)
	}
	return b.fac.NewCall(e.ID(), operators.Index, b.bind(args[0]), number)
}

// path is a chain of members: tags.x, data.a.b, and has() of them.
func (b *binder) path(e ast.Expr) ast.Expr {
	s := e.AsSelect()
	if s.Operand().Kind() == ast.IdentKind && s.Operand().AsIdent() == "tags" {
		return e
	}
	if path, ok := dataPath(e); ok {
		return b.field(e, path, s.IsTestOnly())
	}
	if b.bind(s.Operand()); b.fault != nil {
		return e
	}
	return b.fail(e, "only tags and data have members: there is no .%s here", s.FieldName())
}

// field is a declared field: a name with dots, which no filter can write. has() of it is a call.
func (b *binder) field(e ast.Expr, path string, presence bool) ast.Expr {
	if _, ok := b.fields.Find(path); !ok {
		if len(b.fields.Names()) == 0 {
			return b.fail(e, "unknown field %q: the namespace declares no filterable fields", path)
		}
		return b.fail(e, "unknown field %q; filterable are %s", path, strings.Join(b.fields.Names(), ", "))
	}
	if presence {
		return b.fac.NewCall(e.ID(), hasData, b.fac.NewIdent(b.newID(e.ID()), path))
	}
	return b.fac.NewIdent(e.ID(), path)
}

// hasData is has() of a declared field in a bound tree.
const hasData = "@has"

// dataPath returns the name of data.a.b and data['a'].b.
func dataPath(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return "data", e.AsIdent() == "data"
	case ast.SelectKind:
		s := e.AsSelect()
		path, ok := dataPath(s.Operand())
		return path + "." + s.FieldName(), ok
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index {
			return "", false
		}
		path, ok := dataPath(c.Args()[0])
		name, literal := literalText(c.Args()[1])
		return path + "." + name, ok && literal && !strings.Contains(name, ".")
	}
	return "", false
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

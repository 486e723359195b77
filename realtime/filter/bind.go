package filter

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// noUser is the name that user becomes for a viewer without one. Nothing has a value for it. Names that begin with '@' cannot
// be written in a filter.
const noUser = "@none"

// binder makes the tree that is checked and evaluated from the tree that was parsed: names are
// looked up, and what the viewer is stands in it as constants. No text of the viewer is ever parsed.
type binder struct {
	viewer *Environment
	fields *field.Set
	fac    ast.ExprFactory
	info   *ast.SourceInfo
	nextID int64
	known  map[string]string // operatorNames
	local  []string          // variables of exists and all around
	fault  *Error
}

// newID returns a fresh ID for an expression that stands for the one of another.
func (b *binder) newID(of int64) int64 {
	b.nextID++
	if r, ok := b.info.GetOffsetRange(of); ok {
		b.info.SetOffsetRange(b.nextID, r)
	}
	return b.nextID
}

// fail keeps the first fault, and returns e.
func (b *binder) fail(e ast.Expr, format string, args ...any) ast.Expr {
	if b.fault == nil {
		b.fault = at(begins(b.info, e), fmt.Sprintf(format, args...))
	}
	return e
}

// bind returns e with names looked up.
func (b *binder) bind(e ast.Expr) ast.Expr {
	switch e.Kind() {
	case ast.LiteralKind:
		return b.literal(e)
	case ast.IdentKind:
		return b.name(e)
	case ast.SelectKind:
		return b.path(e)
	case ast.CallKind:
		return b.call(e)
	case ast.ListKind:
		return b.fac.NewList(e.ID(), b.elements(e.AsList().Elements()), nil)
	case ast.ComprehensionKind:
		return b.comprehension(e)
	case ast.MapKind:
		return b.fail(e, "maps are not supported")
	}
	return b.fail(e, "messages are not supported")
}

func (b *binder) bindAll(list []ast.Expr) []ast.Expr {
	bound := make([]ast.Expr, len(list))
	for i, e := range list {
		bound[i] = b.bind(e)
	}
	return bound
}

func (b *binder) literal(e ast.Expr) ast.Expr {
	switch v := e.AsLiteral().(type) {
	case types.Bool, types.Double, types.Null:
		return e
	case types.Int:
		if v > maxExactInteger || v < -maxExactInteger {
			return b.fail(e, "an integer must be at most %d, since numbers are 64-bit floats: compare it as text", int64(maxExactInteger))
		}
		return b.fac.NewLiteral(e.ID(), types.Double(v))
	case types.Uint:
		return b.fail(e, "a number has no suffix: write %d", uint64(v))
	case types.String:
		return b.template(e, string(v))
	}
	return b.fail(e, "bytes are not supported: write text, without the b")
}

// template replaces {user} in a text. {group} has been replaced by those around it that may hold it.
func (b *binder) template(e ast.Expr, s string) ast.Expr {
	if !b.viewer.Templates {
		return e
	}
	if strings.Contains(s, "{group}") {
		return b.fail(e, "{group} stands for each group: use it on the right of ==, in a list, or in startsWith, endsWith and contains")
	}
	return b.filled(e, s, "")
}

// filled returns a text with {user} and {group} replaced, both at once: what a user is called is never taken for a template.
func (b *binder) filled(e ast.Expr, s, group string) ast.Expr {
	if strings.Contains(s, "{user}") && b.viewer.User == "" {
		return b.fac.NewIdent(e.ID(), noUser)
	}
	filled := strings.NewReplacer("{user}", b.viewer.User, "{group}", group).Replace(s)
	return b.fac.NewLiteral(e.ID(), types.String(filled))
}

// ofGroups returns a copy of a text for each group if it has {group}.
func (b *binder) ofGroups(e ast.Expr) ([]ast.Expr, bool) {
	if !b.viewer.Templates || e.Kind() != ast.LiteralKind {
		return nil, false
	}
	s, ok := e.AsLiteral().(types.String)
	if !ok || !strings.Contains(string(s), "{group}") {
		return nil, false
	}
	copies := []ast.Expr{}
	for _, group := range b.viewer.Groups {
		if group != "" { // as for patterns of channels
			copies = append(copies, b.filled(b.fac.NewLiteral(b.newID(e.ID()), s), string(s), group))
		}
	}
	return copies, true
}

func (b *binder) elements(list []ast.Expr) []ast.Expr {
	bound := []ast.Expr{}
	for _, e := range list {
		if copies, ok := b.ofGroups(e); ok {
			bound = append(bound, copies...)
		} else {
			bound = append(bound, b.bind(e))
		}
	}
	return bound
}

func (b *binder) name(e ast.Expr) ast.Expr {
	switch name := e.AsIdent(); name {
	case "key", "event", "source", "contentType":
		return e
	case "eventType": // what frames call it
		return b.fac.NewIdent(e.ID(), "event")
	case "user":
		if b.viewer.User == "" {
			return b.fac.NewIdent(e.ID(), noUser)
		}
		return b.fac.NewLiteral(e.ID(), types.String(b.viewer.User))
	case "groups":
		list := []ast.Expr{}
		for _, group := range b.viewer.Groups {
			if group != "" {
				list = append(list, b.fac.NewLiteral(b.newID(e.ID()), types.String(group)))
			}
		}
		return b.fac.NewList(e.ID(), list, nil)
	case "tags":
		return b.fail(e, "tags must be followed by a name, as tags.client")
	case "data":
		return b.fail(e, "data must be followed by a field, as data.bid")
	default:
		if slices.Contains(b.local, name) || strings.HasPrefix(name, "@") {
			return e
		}
		return b.fail(e, "unknown name %q; known are key, tags, data, user, groups, event, source and contentType", name)
	}
}

func (b *binder) comprehension(e ast.Expr) ast.Expr {
	c := e.AsComprehension()
	names := []string{c.IterVar()}
	if c.HasIterVar2() {
		names = append(names, c.IterVar2())
	}
	for _, name := range names {
		if slices.Contains(reserved(), name) || slices.Contains(b.local, name) {
			return b.fail(e, "variable %q: the name is taken", name)
		}
	}
	over := b.bind(c.IterRange())
	b.local = append(b.local, append(names, c.AccuVar())...)
	defer func(n int) { b.local = b.local[:n] }(len(b.local) - len(names) - 1)
	return b.fac.NewComprehensionTwoVar(e.ID(), over, c.IterVar(), c.IterVar2(), c.AccuVar(), b.bind(c.AccuInit()), b.bind(c.LoopCondition()),
		b.bind(c.LoopStep()), b.bind(c.Result()))
}

func reserved() []string {
	return []string{"key", "event", "eventType", "source", "contentType", "tags", "data", "user", "groups"}
}

// operatorNames are the operators and functions of the language, as cel-go calls them, and as they are written.
func operatorNames() map[string]string {
	return map[string]string{
		operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.LogicalNot: "!", operators.Conditional: "?:",
		operators.Equals: "==", operators.NotEquals: "!=", operators.Less: "<", operators.LessEquals: "<=", operators.Greater: ">",
		operators.GreaterEquals: ">=", operators.In: "in", operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*",
		operators.Divide: "/", operators.Negate: "-", operators.Index: "[]", operators.NotStrictlyFalse: "",
		"startsWith": "startsWith", "endsWith": "endsWith", "contains": "contains", "size": "size", "num": "num",
	}
}

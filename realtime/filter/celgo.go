package filter

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// newEnv declares the language to cel-go.
func newEnv() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.StdLib(),
		cel.Variable("key", cel.StringType),
		cel.Variable("event", cel.StringType),
		cel.Variable("source", cel.StringType),
		cel.Variable("contentType", cel.StringType),
		cel.Variable("tags", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(noUser, cel.StringType),
		cel.Function("num",
			cel.Overload("num_text", []*cel.Type{cel.StringType}, cel.DoubleType, cel.UnaryBinding(celNumber)),
			cel.Overload("num_number", []*cel.Type{cel.DoubleType}, cel.DoubleType, cel.UnaryBinding(celNumber)),
			cel.Overload("num_size", []*cel.Type{cel.IntType}, cel.DoubleType, cel.UnaryBinding(celNumber))),
		cel.Function(holds, cel.Overload("holds", []*cel.Type{cel.DynType}, cel.BoolType, cel.OverloadIsNonStrict(), cel.UnaryBinding(celHolds))),
	}
	for i := range field.Max {
		options = append(options, cel.Variable(fieldName(i), cel.DynType), cel.Variable(presenceName(i), cel.BoolType))
	}
	return cel.NewCustomEnv(options...)
}

// newTypes returns what the checker knows of the language. The checker is called without env, which would
// want a tree as it was parsed.
func newTypes(env *cel.Env) (*checker.Env, error) {
	known, err := checker.NewEnv(env.Container, env.CELTypeProvider())
	if err != nil {
		return nil, err
	}
	if err := known.AddIdents(env.Variables()...); err != nil {
		return nil, err
	}
	for _, f := range env.Functions() {
		if err := known.AddFunctions(f); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func celNumber(v ref.Val) ref.Val {
	switch v := v.(type) {
	case types.Double:
		return v
	case types.Int:
		return types.Double(v)
	case types.String:
		if f, ok := field.ParseNumber(string(v)); ok {
			return types.Double(f)
		}
	}
	return types.NewErr("no number")
}

func celHolds(v ref.Val) ref.Val { return types.Bool(v == types.True) }

// celTest is a comparison that cel-go evaluates.
type celTest struct {
	program cel.Program
	fields  *field.Set
}

// newCelTest plans a part of a checked tree.
func newCelTest(env *cel.Env, checked *ast.AST, part ast.Expr, of *field.Set) (celTest, error) {
	tree := ast.NewCheckedAST(ast.NewAST(part, checked.SourceInfo()), checked.TypeMap(), checked.ReferenceMap())
	if err := checkCost(tree); err != nil {
		return celTest{}, err
	}
	program, err := env.PlanProgram(tree, cel.CostLimit(MaxCost))
	return celTest{program, of}, err
}

// holds is false for what costs too much.
func (c celTest) holds(in *Input) bool {
	v, _, err := c.program.Eval(activation{in, c.fields})
	return err == nil && v == types.True
}

func (celTest) fault(*Input) string { return "" }

// activation is an input as cel-go sees it.
type activation struct {
	in     *Input
	fields *field.Set
}

func (activation) Parent() cel.Activation { return nil }

// ResolveName returns a variable. A field that cannot be compared is unknown, which is an error.
func (a activation) ResolveName(name string) (any, bool) {
	switch name {
	case "key", "event", "source", "contentType":
		return types.String(attribute(name).of(a.in)), true
	case "tags":
		return celTags{in: a.in}, true
	}
	for i := range a.fields.Names() {
		switch name {
		case fieldName(i):
			return celValue(a.in.field(a.fields, i))
		case presenceName(i):
			return types.Bool(a.in.field(a.fields, i).Kind != field.Missing), true
		}
	}
	return nil, false
}

func celValue(v field.Value) (any, bool) {
	switch v.Kind {
	case field.Text:
		return types.String(strings.Clone(v.Str)), true // cel-go may keep it
	case field.Number:
		return types.Double(v.Num), true
	case field.Bool:
		return types.Bool(v.Num == 1), true
	case field.Null:
		return types.NullValue, true
	}
	return nil, false
}

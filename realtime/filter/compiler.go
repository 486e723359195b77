package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"

	"github.com/tidewire/tidewire/realtime/filter/internal/field"
)

// Environment is what a filter is compiled for: who views, and what the namespace declares. The program holds
// what it needs of it.
type Environment struct {
	User   string
	Groups []string
	// Filterable names the members of data that filters may use: data.bid, data.quote.bid. A filter may use no
	// others.
	Filterable []string
	// Templates has {user} and {group} in texts of the filter replaced, which tokens and namespaces may use. In the filter of
	// a client they are text as any other.
	Templates bool
}

// Compiler makes programs of the text of filters. It may be used concurrently.
type Compiler struct {
	env    *cel.Env
	types  *checker.Env
	parser *parser.Parser

	mu sync.Mutex
	// known guards mu: what namespaces declare, so that programs of one share their fields of an Input. At most
	// maxKnownFields.
	known map[string]*field.Set
}

const maxKnownFields = 1000

// New returns a Compiler.
func New() (*Compiler, error) {
	env, err := newEnv()
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	types, err := newTypes(env)
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	parser, err := newParser()
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return &Compiler{env: env, types: types, parser: parser, known: map[string]*field.Set{}}, nil
}

// Compile checks a filter and makes it a program. What is wrong with the text is an *Error; other errors are of the
// environment, or ours.
func (c *Compiler) Compile(source string, of Environment) (*Program, error) {
	l, bound, err := c.analyse(source, of)
	if err != nil {
		return nil, err
	}
	p := newProgram(l, bound)
	var fault *Error
	switch {
	case errors.As(l.err, &fault):
		return nil, fault
	case l.err != nil:
		return nil, fmt.Errorf("filter: %w", l.err)
	}
	return p, nil
}

// analyse returns the tree of a filter, and what lowers it.
func (c *Compiler) analyse(source string, of Environment) (*lowerer, ast.Expr, error) {
	declared, err := c.fieldsOf(of.Filterable)
	if err != nil {
		return nil, nil, err
	}
	tree, err := parse(c.parser, source)
	if err != nil {
		return nil, nil, err
	}
	b := &binder{viewer: &of, fields: declared, fac: ast.NewExprFactory(), info: tree.SourceInfo(), nextID: ast.MaxID(tree), known: operatorNames()}
	bound := b.bind(tree.Expr())
	if b.fault != nil {
		return nil, nil, b.fault
	}
	t := &totaler{binder: b, made: map[int64]ast.Expr{}}
	total := t.test(bound)
	checked, err := c.check(ast.NewAST(total, b.info), source)
	if err != nil {
		return nil, nil, err
	}
	return &lowerer{env: c.env, fields: declared, checked: checked, total: t.made}, bound, nil
}

// check returns the tree with types.
func (c *Compiler) check(total *ast.AST, source string) (*ast.AST, error) {
	checked, faults := checker.Check(total, common.NewTextSource(source), c.types)
	if len(faults.GetErrors()) > 0 {
		return nil, issue(faults.GetErrors(), source)
	}
	if err := checkTests(checked); err != nil {
		return nil, err
	}
	return checked, nil
}

// fieldsOf returns the fields that a namespace declares.
func (c *Compiler) fieldsOf(names []string) (*field.Set, error) {
	id := strings.Join(names, "\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[id]; known != nil {
		return known, nil
	}
	declared, err := field.NewSet(slices.Clone(names))
	if err != nil {
		return nil, err
	}
	if len(c.known) >= maxKnownFields {
		clear(c.known)
	}
	c.known[id] = declared
	return declared, nil
}

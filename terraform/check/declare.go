package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// labels says how many labels each block of the top level has.
var labels = map[string]int{
	"terraform": 0, "locals": 0, "moved": 0, "import": 0, "removed": 0, "provider": 1, "variable": 1, "output": 1, "module": 1, "check": 1,
	"resource": 2, "data": 2, "ephemeral": 2,
}

// variable is an input of a module.
type variable struct {
	block    *hclsyntax.Block
	typed    bool
	typ      cty.Type
	defaults *typeexpr.Defaults // of optional attributes; nil if there are none
}

// required says whether a call has to give it.
func (v *variable) required() bool { return v.block.Body.Attributes["default"] == nil }

// declare notes what a block of the top level declares. What is declared twice is a problem.
func (t *Tree) declare(m *module, block *hclsyntax.Block) {
	where := block.DefRange()
	if count, known := labels[block.Type]; !known || len(block.Labels) != count {
		if !known {
			t.faults.add(RuleBlock, where, "there is no block %q at the top level", block.Type)
		} else {
			t.faults.add(RuleBlock, where, "a block %q has %d labels, and this one %d", block.Type, count, len(block.Labels))
		}
		return
	}
	switch block.Type {
	case "terraform":
		t.settings(m, block)
	case "locals":
		for _, name := range sortedAttributes(block.Body) {
			unique(&t.faults, m.locals, name, block.Body.Attributes[name], block.Body.Attributes[name].Range(), "the local "+name)
		}
	case "variable":
		unique(&t.faults, m.variables, block.Labels[0], t.variable(block), where, "the variable "+block.Labels[0])
	case "output":
		unique(&t.faults, m.outputs, block.Labels[0], block, where, "the output "+block.Labels[0])
	case "module":
		unique(&t.faults, m.calls, block.Labels[0], block, where, "the module "+block.Labels[0])
	case "provider":
		name := block.Labels[0]
		if alias, ok := block.Body.Attributes["alias"]; ok {
			if text, ok := literal(alias.Expr); ok {
				name += "." + text
			}
		}
		unique(&t.faults, m.providers, name, block, where, "the provider "+name)
	case "resource", "data", "ephemeral":
		t.resource(m, block)
	case "check": // data sources may stand in it
		for _, inner := range block.Body.Blocks {
			if inner.Type == "data" && len(inner.Labels) == 2 {
				t.resource(m, inner)
			}
		}
	}
}

func (t *Tree) resource(m *module, block *hclsyntax.Block) {
	r := &resource{block.Type, block.Labels[0], block.Labels[1], block}
	unique(&t.faults, m.resources, r.address(), r, block.DefRange(), r.address())
}

func (t *Tree) settings(m *module, block *hclsyntax.Block) {
	if m.settings == nil {
		m.settings = block
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type != "required_providers" {
			continue
		}
		for _, name := range sortedAttributes(inner.Body) {
			attribute := inner.Body.Attributes[name]
			unique(&t.faults, m.required, name, hcl.Expression(attribute.Expr), attribute.Range(), "the required provider "+name)
		}
	}
}

func (t *Tree) variable(block *hclsyntax.Block) *variable {
	v := &variable{block: block, typ: cty.DynamicPseudoType}
	if attribute, ok := block.Body.Attributes["type"]; ok {
		v.typed = true
		var diags hcl.Diagnostics
		v.typ, v.defaults, diags = typeexpr.TypeConstraintWithDefaults(attribute.Expr)
		t.faults.diagnosed(RuleValue, diags)
	}
	return v
}

// unique notes a thing under its name, if there is none yet.
func unique[T any](p *problems, all map[string]T, name string, thing T, where hcl.Range, what string) {
	if _, ok := all[name]; ok {
		p.add(RuleDuplicate, where, "%s is declared twice", what)
		return
	}
	all[name] = thing
}

// sortedAttributes lists the names of a body's arguments in the order of the file.
func sortedAttributes(body *hclsyntax.Body) []string {
	names := make([]string, 0, len(body.Attributes))
	for name := range body.Attributes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return body.Attributes[a].NameRange.Start.Byte - body.Attributes[b].NameRange.Start.Byte
	})
	return names
}

// literal is the text of an expression that is only that.
func literal(expression hcl.Expression) (string, bool) {
	value, diags := expression.Value(nil)
	if diags.HasErrors() || value.IsNull() || !value.IsWhollyKnown() || value.Type() != cty.String {
		return "", false
	}
	return value.AsString(), true
}

// provider is the name of the provider that a type of resources belongs to.
func provider(typ string) string {
	name, _, _ := strings.Cut(typ, "_")
	return name
}

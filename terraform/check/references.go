package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// scope is what stands around an expression.
type scope struct {
	each, count, self bool
	names             []string // iterators of dynamic blocks
	variable          string   // the one that is declared here: its own validation is no use of it
}

// references looks at every name in a module.
func (c *checker) references() {
	for _, block := range c.module.blocks {
		switch block.Type {
		case "moved", "removed": // what they name may be gone
		case "terraform":
		default:
			at := scope{}
			if block.Type == "variable" && len(block.Labels) == 1 {
				at.variable = block.Labels[0]
			}
			c.within(block, at)
		}
	}
}

// within looks at a block and those in it.
func (c *checker) within(block *hclsyntax.Block, at scope) {
	body := block.Body
	switch block.Type {
	case "resource", "data", "ephemeral", "module", "import":
		at.each, at.count = body.Attributes["for_each"] != nil, body.Attributes["count"] != nil
	case "postcondition", "provisioner", "connection":
		at.self = true
	}
	inner := at
	if block.Type == "dynamic" && len(block.Labels) == 1 {
		name := block.Labels[0]
		if iterator, ok := body.Attributes["iterator"]; ok {
			if traversal, diags := hcl.AbsTraversalForExpr(iterator.Expr); !diags.HasErrors() {
				name = traversal.RootName()
			}
		}
		inner.names = append(slices.Clone(at.names), name)
	}
	for _, name := range sortedAttributes(body) {
		attribute := body.Attributes[name]
		switch {
		case block.Type == "variable" && name == "type", block.Type == "lifecycle" && name == "ignore_changes", block.Type == "dynamic" && name == "iterator":
		case block.Type == "module" && name == "providers", name == "provider" && labels[block.Type] > 0:
			c.providerReference(attribute)
		default:
			c.expression(attribute.Expr, at, name == "depends_on")
		}
	}
	for _, b := range body.Blocks {
		if b.Type == "content" && block.Type == "dynamic" {
			c.within(b, inner)
		} else {
			c.within(b, at)
		}
	}
}

// expression looks at an expression: its names, the functions it calls, and what it takes of each element of a list.
func (c *checker) expression(expression hclsyntax.Expression, at scope, whole bool) {
	for _, traversal := range hclsyntax.Variables(expression) {
		c.traversal(traversal, at, whole)
	}
	_ = hclsyntax.VisitAll(expression, func(node hclsyntax.Node) hcl.Diagnostics { // it returns what the visitor does: nothing
		switch n := node.(type) {
		case *hclsyntax.FunctionCallExpr:
			if _, known := c.tree.functions[n.Name]; !known && !strings.Contains(n.Name, "::") {
				c.add(RuleReference, n.NameRange, "there is no function %q", n.Name)
			}
		case *hclsyntax.SplatExpr:
			c.splat(n)
		}
		return nil
	})
}

// traversal looks at one name with what follows it.
func (c *checker) traversal(traversal hcl.Traversal, at scope, whole bool) {
	where, root, next := traversal.SourceRange(), traversal.RootName(), attributeAt(traversal, 1)
	m := c.module
	switch root {
	case "var":
		if next != at.variable {
			c.used["var."+next] = true
		}
		if v, ok := m.variables[next]; !ok {
			c.add(RuleReference, where, "there is no variable %q", next)
		} else {
			c.steps(traversal[2:], v.typ, "var."+next)
		}
	case "local":
		c.used["local."+next] = true
		if _, ok := m.locals[next]; !ok {
			c.add(RuleReference, where, "there is no local %q", next)
		}
	case "module":
		c.moduleReference(traversal, next, whole)
	case "each":
		if !at.each || next != "key" && next != "value" {
			c.add(RuleReference, where, "each.%s stands for nothing here", next)
		}
	case "count":
		if !at.count || next != "index" {
			c.add(RuleReference, where, "count.%s stands for nothing here", next)
		}
	case "path":
		if !slices.Contains([]string{"module", "root", "cwd"}, next) {
			c.add(RuleReference, where, "there is no path.%s", next)
		}
	case "terraform":
		if next != "workspace" && next != "applying" {
			c.add(RuleReference, where, "there is no terraform.%s", next)
		}
	case "self":
		if !at.self {
			c.add(RuleReference, where, "self stands for nothing here")
		}
	case "data", "ephemeral":
		c.resourceReference(traversal[1:], root, next, attributeAt(traversal, 2), where)
	default:
		if !slices.Contains(at.names, root) {
			c.resourceReference(traversal, "resource", root, next, where)
		}
	}
}

func (c *checker) moduleReference(traversal hcl.Traversal, name string, whole bool) {
	where := traversal.SourceRange()
	call, ok := c.module.calls[name]
	if !ok {
		c.add(RuleReference, where, "there is no module %q", name)
		return
	}
	called := c.tree.called(c.module, call)
	rest := traversal[2:]
	many := call.Body.Attributes["for_each"] != nil || call.Body.Attributes["count"] != nil
	if len(rest) > 0 && !isAttribute(rest[0]) {
		if !many {
			c.add(RuleReference, where, "module.%s is one, and has no index", name)
		}
		rest = rest[1:]
	} else if len(rest) > 0 && many {
		c.add(RuleReference, where, "module.%s are many, and need an index", name)
		return
	}
	if called == nil || whole || len(rest) == 0 {
		return
	}
	if output := attributeAt(rest, 0); called.outputs[output] == nil {
		c.add(RuleReference, where, "module.%s has no output %q", name, output)
	}
}

func (c *checker) resourceReference(traversal hcl.Traversal, kind, typ, name string, where hcl.Range) {
	address := typ + "." + name
	if kind != "resource" {
		address = kind + "." + address
		c.used[address] = true
	}
	r, ok := c.module.resources[address]
	if !ok {
		c.add(RuleReference, where, "there is no %s", address)
		return
	}
	rest := traversal[min(2, len(traversal)):]
	many := r.block.Body.Attributes["for_each"] != nil || r.block.Body.Attributes["count"] != nil
	if len(rest) > 0 && !isAttribute(rest[0]) {
		if !many {
			c.add(RuleReference, where, "%s is one, and has no index", address)
		}
		rest = rest[1:]
	} else if len(rest) > 0 && many {
		c.add(RuleReference, where, "%s are many, and need an index", address)
		return
	}
	if schema, _ := c.tree.schema(r); schema != nil {
		c.steps(rest, typeOf(schema), address)
	}
}

// splat looks at what is taken of each instance of a resource or a module: google_x.y[*].attribute.
func (c *checker) splat(n *hclsyntax.SplatExpr) {
	source, ok := n.Source.(*hclsyntax.ScopeTraversalExpr)
	each, okEach := n.Each.(*hclsyntax.RelativeTraversalExpr)
	if !ok || !okEach || len(each.Traversal) == 0 {
		return
	}
	t := source.Traversal
	kind, typ, name := "resource", t.RootName(), attributeAt(t, 1)
	if typ == "data" || typ == "ephemeral" {
		kind, typ, name = typ, name, attributeAt(t, 2)
	}
	address := typ + "." + name
	if kind != "resource" {
		address = kind + "." + address
	}
	if r, ok := c.module.resources[address]; ok {
		if schema, _ := c.tree.schema(r); schema != nil {
			c.steps(each.Traversal, typeOf(schema), address)
		}
	}
}

// steps follows attributes and indexes into a type, as far as it is known.
func (c *checker) steps(rest hcl.Traversal, typ cty.Type, at string) {
	for _, step := range rest {
		switch {
		case typ == cty.DynamicPseudoType:
			return
		case typ.IsObjectType() && isAttribute(step):
			name := attributeAt(hcl.Traversal{step}, 0)
			if !typ.HasAttribute(name) {
				c.add(RuleReference, rest.SourceRange(), "%s has no attribute %q", at, name)
				return
			}
			typ, at = typ.AttributeType(name), at+"."+name
		case typ.IsCollectionType() && (typ.IsMapType() || !isAttribute(step)):
			typ, at = typ.ElementType(), at+"[...]"
		case typ.IsTupleType(), typ.IsObjectType():
			return
		default:
			c.add(RuleReference, rest.SourceRange(), "%s is a %s: nothing can be taken of it like that", at, typ.FriendlyName())
			return
		}
	}
}

// providerReference looks at which provider a resource or a module is given.
func (c *checker) providerReference(attribute *hclsyntax.Attribute) {
	for _, traversal := range hclsyntax.Variables(attribute.Expr) {
		name := traversal.RootName()
		if _, ok := c.module.required[name]; !ok {
			c.add(RuleProvider, traversal.SourceRange(), "the provider %s is not required", name)
		}
		if alias := attributeAt(traversal, 1); alias != "" && c.module.providers[name+"."+alias] == nil {
			c.add(RuleReference, traversal.SourceRange(), "there is no provider %s.%s", name, alias)
		}
	}
}

func isAttribute(step hcl.Traverser) bool {
	_, ok := step.(hcl.TraverseAttr)
	return ok
}

// attributeAt is the name of a step, or "".
func attributeAt(traversal hcl.Traversal, at int) string {
	if at >= len(traversal) {
		return ""
	}
	switch step := traversal[at].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseRoot:
		return step.Name
	}
	return ""
}

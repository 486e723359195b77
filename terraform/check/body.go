package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/tidewire/tidewire/terraform/check/schema"
)

// body compares a block with what its schema says. r is the resource if the block is that of one.
func (c *checker) body(at string, body *hclsyntax.Body, block *tfjson.SchemaBlock, r *resource) {
	for _, name := range sortedAttributes(body) {
		if !meta(r, name) {
			c.argument(at, body.Attributes[name], block)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(block.Attributes)) {
		if block.Attributes[name].Required && body.Attributes[name] == nil {
			c.add(RuleArgument, body.MissingItemRange(), "%s needs the argument %q", at, name)
		}
	}
	c.writeOnly(at, body, block)
	count, open := map[string]uint64{}, map[string]bool{}
	for _, inner := range body.Blocks {
		switch {
		case metaBlock(r, inner.Type):
		case inner.Type == "dynamic" && len(inner.Labels) == 1:
			open[inner.Labels[0]] = true
			c.dynamic(at, inner, block)
		default:
			count[inner.Type]++
			c.inner(at, inner.Type, inner, inner.Body, block)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(block.NestedBlocks)) {
		n := block.NestedBlocks[name]
		most := n.MaxItems
		if n.NestingMode == tfjson.SchemaNestingModeSingle {
			most = 1
		}
		if count[name] < n.MinItems && !open[name] {
			c.add(RuleBlock, body.MissingItemRange(), "%s needs the block %q", at, name)
		}
		if most > 0 && count[name] > most {
			c.add(RuleBlock, body.MissingItemRange(), "%s has %d blocks %q, and may have %d", at, count[name], name, most)
		}
	}
}

// inner looks at a block within another.
func (c *checker) inner(at, name string, block *hclsyntax.Block, body *hclsyntax.Body, outer *tfjson.SchemaBlock) {
	known, ok := outer.NestedBlocks[name]
	switch {
	case ok:
		c.body(place(at, name), body, known.Block, nil)
	case outer.Attributes[name] != nil:
		c.add(RuleBlock, block.DefRange(), "%s: %q is an argument and no block", at, name)
	default:
		c.add(RuleBlock, block.DefRange(), "%s has no block %q", at, name)
	}
}

func (c *checker) dynamic(at string, block *hclsyntax.Block, outer *tfjson.SchemaBlock) {
	for _, name := range sortedAttributes(block.Body) {
		if name != "for_each" && name != "iterator" && name != "labels" {
			c.add(RuleArgument, block.Body.Attributes[name].Range(), "%s: dynamic has no argument %q", at, name)
		}
	}
	if block.Body.Attributes["for_each"] == nil {
		c.add(RuleArgument, block.DefRange(), "%s: dynamic needs for_each", at)
	}
	if len(block.Body.Blocks) != 1 || block.Body.Blocks[0].Type != "content" {
		c.add(RuleBlock, block.DefRange(), "%s: dynamic needs one block content, and no other", at)
		return
	}
	c.inner(at, block.Labels[0], block, block.Body.Blocks[0].Body, outer)
}

func (c *checker) argument(at string, attribute *hclsyntax.Attribute, block *tfjson.SchemaBlock) {
	known, ok := block.Attributes[attribute.Name]
	switch {
	case !ok && block.NestedBlocks[attribute.Name] != nil:
		c.add(RuleBlock, attribute.Range(), "%s: %q is a block and no argument", at, attribute.Name)
	case !ok:
		c.add(RuleArgument, attribute.Range(), "%s has no argument %q", at, attribute.Name)
	case known.Computed && !known.Optional && !known.Required:
		c.add(RuleArgument, attribute.Range(), "%s: %q is only read", at, attribute.Name)
	case !known.WriteOnly && ephemeral(attribute.Expr):
		c.add(RuleSecret, attribute.Range(), "%s: what is ephemeral would be kept in %s, which is not write-only", at, attribute.Name)
	default:
		if value, ok := constant(attribute.Expr); ok {
			if fault := fits(value, known); fault != "" {
				c.add(RuleValue, attribute.Expr.Range(), "%s: %s %s", at, attribute.Name, fault)
			}
		}
	}
}

// writeOnly looks at arguments that are kept nowhere: that they have changed is told by a version beside them.
func (c *checker) writeOnly(at string, body *hclsyntax.Body, block *tfjson.SchemaBlock) {
	for _, name := range sortedAttributes(body) {
		version := name + "_version"
		if known := block.Attributes[name]; known != nil && known.WriteOnly && block.Attributes[version] != nil && body.Attributes[version] == nil {
			c.add(RuleArgument, body.Attributes[name].Range(), "%s: %s needs %s, or it is never written again", at, name, version)
		}
	}
}

// ephemeral says whether an expression refers to something that no plan and no state may hold.
func ephemeral(expression hclsyntax.Expression) bool {
	return slices.ContainsFunc(hclsyntax.Variables(expression), func(t hcl.Traversal) bool { return t.RootName() == "ephemeral" })
}

// constant is the value of an expression that refers to nothing.
func constant(expression hclsyntax.Expression) (cty.Value, bool) {
	if len(expression.Variables()) > 0 {
		return cty.NilVal, false
	}
	value, diags := expression.Value(nil)
	return value, !diags.HasErrors()
}

// fits says what is wrong with a value as that of an attribute. Of a value that is not known it says nothing.
func fits(value cty.Value, attribute *tfjson.SchemaAttribute) string {
	converted, err := convert.Convert(value, attribute.AttributeType)
	if err != nil {
		return fmt.Sprintf("is no %s: %v", attribute.AttributeType.FriendlyName(), err)
	}
	if value.IsKnown() && value.IsNull() && attribute.Required {
		return "is needed and null"
	}
	values := schema.Values(attribute)
	if len(values) == 0 || !converted.IsWhollyKnown() || converted.IsNull() || converted.Type() != cty.String || slices.Contains(values, converted.AsString()) {
		return ""
	}
	return fmt.Sprintf("is %q, and may be %s", converted.AsString(), strings.Join(values, ", "))
}

package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
)

// arguments of blocks that Terraform itself reads: those that there have to be are marked.
var arguments = map[string]map[string]bool{
	"variable": {"type": false, "default": false, "description": false, "nullable": false, "sensitive": false, "ephemeral": false},
	"output":   {"value": true, "description": false, "sensitive": false, "ephemeral": false, "depends_on": false},
	"moved":    {"from": true, "to": true},
	"import":   {"to": true, "id": false, "for_each": false, "provider": false},
	"removed":  {"from": true},
	"check":    {},
}

// nested are the blocks that Terraform itself reads within others.
var nested = map[string][]string{
	"terraform": {"required_providers", "backend", "provider_meta", "cloud"},
	"variable":  {"validation"}, "output": {"precondition"}, "check": {"data", "assert"}, "removed": {"lifecycle", "provisioner"},
	"moved": {}, "import": {}, "locals": {},
}

// structure looks at the blocks of which no provider has a say.
func (c *checker) structure() {
	for _, block := range c.module.blocks {
		if known, ok := arguments[block.Type]; ok {
			c.arguments(block, known)
		}
		inner, ok := nested[block.Type]
		if !ok {
			continue
		}
		for _, b := range block.Body.Blocks {
			if !slices.Contains(inner, b.Type) {
				c.add(RuleBlock, b.DefRange(), "there is no block %q in %s", b.Type, block.Type)
			}
			if b.Type == "validation" || b.Type == "precondition" || b.Type == "postcondition" || b.Type == "assert" {
				c.arguments(b, map[string]bool{"condition": true, "error_message": true})
			}
		}
	}
}

func (c *checker) arguments(block *hclsyntax.Block, known map[string]bool) {
	for _, name := range sortedAttributes(block.Body) {
		if _, ok := known[name]; !ok {
			c.add(RuleArgument, block.Body.Attributes[name].Range(), "%s has no argument %q", block.Type, name)
		}
	}
	for name, required := range known {
		if _, ok := block.Body.Attributes[name]; required && !ok {
			c.add(RuleArgument, block.DefRange(), "%s needs %q", block.Type, name)
		}
	}
}

// resources looks at resources, data sources and ephemeral resources by the schema of their provider.
func (c *checker) resources() {
	for _, r := range c.module.resources {
		body := r.block.Body
		if body.Attributes["count"] != nil && body.Attributes["for_each"] != nil {
			c.add(RuleArgument, body.Attributes["for_each"].Range(), "%s has count and for_each", r.address())
		}
		schema, known := c.tree.schema(r)
		if !known {
			c.add(RuleType, r.block.DefRange(), "there is no %s %s (terraform/check/schema/types.txt says which the check knows)", r.kind, r.typ)
		}
		c.lifecycle(r, schema)
		if schema != nil {
			c.body(r.address(), body, schema, r)
			c.labelled(r, schema)
		}
	}
}

// labelled looks whether what takes labels is given some: bills and searches are by labels.
func (c *checker) labelled(r *resource, schema *tfjson.SchemaBlock) {
	if r.kind != "resource" {
		return
	}
	for _, name := range []string{"user_labels", "labels"} {
		attribute := schema.Attributes[name]
		if attribute == nil || !attribute.Optional {
			continue
		}
		if r.block.Body.Attributes[name] == nil {
			c.add(RuleLabels, r.block.DefRange(), "%s is given no %s", r.address(), name)
		}
		return
	}
}

// schema is what a type takes and gives. It is nil and known for those of providers that no schema is here of.
func (t *Tree) schema(r *resource) (block *tfjson.SchemaBlock, known bool) {
	if provider(r.typ) != "google" {
		return nil, true
	}
	all := t.google.ResourceSchemas
	switch r.kind {
	case "data":
		all = t.google.DataSourceSchemas
	case "ephemeral":
		all = t.google.EphemeralResourceSchemas
	}
	found, ok := all[r.typ]
	if !ok {
		return nil, false
	}
	return found.Block, true
}

// lifecycle looks at the blocks and arguments that every resource has. schema may be nil.
func (c *checker) lifecycle(r *resource, schema *tfjson.SchemaBlock) {
	for _, block := range r.block.Body.Blocks {
		if block.Type == "provisioner" || block.Type == "connection" {
			c.add(RuleTrick, block.DefRange(), "%s runs something that is in no plan", r.address())
		}
		if block.Type != "lifecycle" {
			continue
		}
		for _, name := range sortedAttributes(block.Body) {
			if !slices.Contains([]string{"create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by"}, name) {
				c.add(RuleArgument, block.Body.Attributes[name].Range(), "lifecycle has no argument %q", name)
			}
		}
		for _, inner := range block.Body.Blocks {
			if inner.Type != "precondition" && inner.Type != "postcondition" {
				c.add(RuleBlock, inner.DefRange(), "there is no block %q in lifecycle", inner.Type)
			} else {
				c.arguments(inner, map[string]bool{"condition": true, "error_message": true})
			}
		}
		if ignored, ok := block.Body.Attributes["ignore_changes"]; ok && schema != nil {
			for _, traversal := range ignored.Expr.Variables() {
				name := traversal.RootName()
				if name == "all" {
					c.add(RuleTrick, traversal.SourceRange(), "%s ignores all that is changed in it", r.address())
				}
				if schema.Attributes[name] == nil && schema.NestedBlocks[name] == nil && name != "all" {
					c.add(RuleReference, traversal.SourceRange(), "%s has no %q whose changes could be ignored", r.address(), name)
				}
			}
		}
	}
}

// meta says whether an argument of a resource is one that Terraform itself reads.
func meta(r *resource, name string) bool {
	return r != nil && slices.Contains([]string{"count", "for_each", "provider", "depends_on"}, name)
}

// metaBlock is the same for blocks.
func metaBlock(r *resource, name string) bool {
	return r != nil && slices.Contains([]string{"lifecycle", "connection", "provisioner"}, name)
}

// place is where something stands, for people: "google_x.y, template, containers".
func place(at string, more ...string) string {
	return strings.Join(append([]string{at}, more...), ", ")
}

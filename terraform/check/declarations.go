package check

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// declarations looks at what is declared: all of it is used, has a type where it can have one,
// and a description; and every provider has a version.
func (c *checker) declarations() {
	m := c.module
	for _, name := range sortedKeys(m.variables) {
		v := m.variables[name]
		if !v.typed {
			c.add(RuleDescribed, v.block.DefRange(), "the variable %s has no type", name)
		}
		c.described(v.block, "variable "+name)
		if !c.used["var."+name] {
			c.add(RuleUnused, v.block.DefRange(), "the variable %s is used nowhere", name)
		}
	}
	for _, name := range sortedKeys(m.outputs) {
		c.described(m.outputs[name], "output "+name)
		if value := m.outputs[name].Body.Attributes["value"]; value != nil && ephemeral(value.Expr) && m.outputs[name].Body.Attributes["ephemeral"] == nil {
			c.add(RuleSecret, value.Range(), "the output %s would keep what is ephemeral", name)
		}
	}
	for _, name := range sortedKeys(m.locals) {
		if !c.used["local."+name] {
			c.add(RuleUnused, m.locals[name].Range(), "the local %s is used nowhere", name)
		}
	}
	for _, address := range sortedKeys(m.resources) {
		if r := m.resources[address]; r.kind != "resource" && !c.used[address] {
			c.add(RuleUnused, r.block.DefRange(), "%s is used nowhere", address)
		}
	}
	c.providers()
	c.quota()
	c.order()
}

func (c *checker) described(block *hclsyntax.Block, what string) {
	attribute, ok := block.Body.Attributes["description"]
	if !ok {
		c.add(RuleDescribed, block.DefRange(), "the %s has no description", what)
		return
	}
	if text, known := literal(attribute.Expr); known && strings.TrimSpace(text) == "" {
		c.add(RuleDescribed, block.DefRange(), "the description of the %s is empty", what)
	}
}

// providers looks at what a module requires: the version of Terraform, and of each provider that it uses.
func (c *checker) providers() {
	m := c.module
	if m.settings == nil || m.settings.Body.Attributes["required_version"] == nil {
		where := hcl.Range{Filename: m.dir}
		if len(m.blocks) > 0 {
			where = m.blocks[0].DefRange()
		}
		c.add(RuleProvider, where, "the module in %s has no required_version", m.dir)
	}
	used := map[string]bool{}
	for _, address := range sortedKeys(m.resources) {
		r := m.resources[address]
		name := provider(r.typ)
		used[name] = true
		if _, ok := m.required[name]; !ok && name != "terraform" {
			c.add(RuleProvider, r.block.DefRange(), "%s is of the provider %s, which is not required", address, name)
		}
	}
	for _, name := range sortedKeys(m.required) {
		expression := m.required[name]
		pairs, diags := hcl.ExprMap(expression)
		found := map[string]bool{}
		if !diags.HasErrors() {
			for _, pair := range pairs {
				found[hcl.ExprAsKeyword(pair.Key)] = true
			}
		}
		for _, needed := range []string{"source", "version"} {
			if !found[needed] {
				c.add(RuleProvider, expression.Range(), "the provider %s is required without %s", name, needed)
			}
		}
		if !used[name] && !m.root {
			c.add(RuleUnused, expression.Range(), "the provider %s is required and not used", name)
		}
	}
	for _, name := range sortedKeys(m.providers) {
		plain, _, _ := strings.Cut(name, ".")
		if _, ok := m.required[plain]; !ok {
			c.add(RuleProvider, m.providers[name].DefRange(), "the provider %s is not required", plain)
		}
		if !m.root {
			c.add(RuleProvider, m.providers[name].DefRange(), "a provider is configured in a module that others call")
		}
	}
}

package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Problems says what is wrong with the source: what Terraform takes, and a reader stumbles over. All that is declared is used, has a type
// where it can have one, and a description; every provider is required with a version; every module is a folder of this repository.
func (t *Tree) Problems() []Problem {
	found := slices.Clone(t.faults)
	for _, dir := range t.Modules() {
		m := t.modules[dir]
		m.declarations(&found)
		m.providers(&found)
		m.resources(&found)
		for _, call := range m.all("module") {
			if t.called(m, call) == nil {
				found.at(RuleModule, call.DefRange(), "the module %s is not a folder of this repository: nobody could check it here", call.Labels[0])
			}
		}
	}
	return found.sorted()
}

func (m *module) declarations(found *problems) {
	for _, block := range m.all("variable") {
		name := block.Labels[0]
		if block.Body.Attributes["type"] == nil {
			found.at(RuleDescribed, block.DefRange(), "the variable %s has no type", name)
		}
		hasDescription(found, block)
		if !m.used["var."+name] {
			found.at(RuleUnused, block.DefRange(), "the variable %s is used nowhere", name)
		}
	}
	for _, block := range m.all("output") {
		hasDescription(found, block)
	}
	for _, block := range m.blocks {
		for name, attribute := range block.Body.Attributes {
			if block.Type == "locals" && !m.used["local."+name] {
				found.at(RuleUnused, attribute.Range(), "the local %s is used nowhere", name)
			}
		}
	}
	for _, block := range append(m.all("data"), m.all("ephemeral")...) {
		if address := block.Type + "." + strings.Join(block.Labels, "."); !m.used[address] {
			found.at(RuleUnused, block.DefRange(), "%s is used nowhere", address)
		}
	}
}

func hasDescription(found *problems, block *hclsyntax.Block) {
	attribute := block.Body.Attributes["description"]
	if text, known := literal(attribute); attribute == nil || known && strings.TrimSpace(text) == "" {
		found.at(RuleDescribed, block.DefRange(), "the %s %s has no description", block.Type, block.Labels[0])
	}
}

// providers looks at what a module requires: the version of Terraform, and of each provider that it uses.
func (m *module) providers(found *problems) {
	if !slices.ContainsFunc(m.blocks, func(b *hclsyntax.Block) bool {
		return b.Type == "terraform" && b.Body.Attributes["required_version"] != nil
	}) {
		found.add(RuleProvider, m.dir, "the module in %s has no required_version", m.dir)
	}
	required, used := m.required(), map[string]bool{}
	for _, block := range slices.Concat(m.all("resource"), m.all("data"), m.all("ephemeral")) {
		name, _, _ := strings.Cut(block.Labels[0], "_")
		used[name] = true
		if required[name] == nil && name != "terraform" {
			found.at(RuleProvider, block.DefRange(), "%s is of the provider %s, which is not required", strings.Join(block.Labels, "."), name)
		}
	}
	for name, attribute := range required {
		given := map[string]bool{}
		pairs, _ := hcl.ExprMap(attribute.Expr) // what is no map gives neither
		for _, pair := range pairs {
			given[hcl.ExprAsKeyword(pair.Key)] = true
		}
		for _, needed := range []string{"source", "version"} {
			if !given[needed] {
				found.at(RuleProvider, attribute.Range(), "the provider %s is required without %s", name, needed)
			}
		}
		if !used[name] && !m.root {
			found.at(RuleUnused, attribute.Range(), "the provider %s is required and not used", name)
		}
	}
	for _, block := range m.all("provider") {
		if !m.root {
			found.at(RuleProvider, block.DefRange(), "a provider is configured in a module that others call")
		}
	}
}

// resources looks at what no plan tells of a resource.
func (m *module) resources(found *problems) {
	for _, block := range m.all("resource") {
		for _, inner := range block.Body.Blocks {
			if ignored := inner.Body.Attributes["ignore_changes"]; inner.Type == "lifecycle" && ignored != nil && hcl.ExprAsKeyword(ignored.Expr) == "all" {
				found.at(RuleTrick, ignored.Range(), "%s ignores all that is changed in it", strings.Join(block.Labels, "."))
			}
		}
	}
}

package check

import (
	"regexp"

	"github.com/zclconf/go-cty/cty"
)

// attributed are resources whose APIs refuse a person's credentials unless a call names the project that it is attributed to, which the
// provider does only when it is told to (its documentation of google_billing_budget; provider issues 8263 and 13120).
var attributed = regexp.MustCompile(`^google_(firebaserules|firebase|billing_budget|identity_platform|cloud_identity|apikeys|access_context_manager|scc)(_|$)`)

// quota looks at the configuration of provider google in a root that makes such resources, itself or by a module.
func (c *checker) quota() {
	if !c.module.root {
		return
	}
	what := c.tree.makes(c.module)
	if what == "" {
		return
	}
	block, ok := c.module.providers["google"]
	if !ok {
		c.add(RuleRefused, c.module.blocks[0].DefRange(), "%s is made with no configuration of provider google: its API refuses a person's credentials without user_project_override and billing_project", what)
		return
	}
	override := block.Body.Attributes["user_project_override"]
	if override == nil {
		c.add(RuleRefused, block.DefRange(), "%s is made without user_project_override: its API refuses a person's credentials", what)
	} else if value, known := constant(override.Expr); !known || value.Type() != cty.Bool || value.False() {
		c.add(RuleRefused, override.Range(), "user_project_override must be true: the API of %s refuses a person's credentials otherwise", what)
	}
	if block.Body.Attributes["billing_project"] == nil {
		c.add(RuleRefused, block.DefRange(), "%s is made without billing_project: its API refuses a person's credentials", what)
	}
}

// makes is the first address of a resource of that kind in a module and those that it calls, or nothing.
func (t *Tree) makes(m *module) string {
	for _, address := range sortedKeys(m.resources) {
		if attributed.MatchString(m.resources[address].typ) {
			return address
		}
	}
	for _, name := range sortedKeys(m.calls) {
		if called := t.called(m, m.calls[name]); called != nil {
			if what := t.makes(called); what != "" {
				return what
			}
		}
	}
	return ""
}

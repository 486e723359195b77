package check

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// calls looks at what modules are called and given.
func (c *checker) calls() {
	for _, name := range sortedKeys(c.module.calls) {
		c.call(name, c.module.calls[name])
	}
}

func (c *checker) call(name string, call *hclsyntax.Block) {
	source, ok := call.Body.Attributes["source"]
	if !ok {
		c.add(RuleArgument, call.DefRange(), "module %s needs source", name)
		return
	}
	text, ok := literal(source.Expr)
	if !ok || !strings.HasPrefix(text, "./") && !strings.HasPrefix(text, "../") {
		c.add(RuleModule, source.Range(), "module %s is not a folder of this repository: nobody could check it here", name)
		return
	}
	called := c.tree.modules[path.Join(c.module.dir, text)]
	if called == nil {
		c.add(RuleModule, source.Range(), "module %s: there is no module in %s", name, text)
		return
	}
	body := call.Body
	if body.Attributes["count"] != nil && body.Attributes["for_each"] != nil {
		c.add(RuleArgument, body.Attributes["for_each"].Range(), "module %s has count and for_each", name)
	}
	for _, block := range body.Blocks {
		c.add(RuleBlock, block.DefRange(), "module %s: there is no block %q in module", name, block.Type)
	}
	for _, input := range sortedAttributes(body) {
		if slices.Contains([]string{"source", "count", "for_each", "providers", "depends_on"}, input) {
			continue
		}
		v, ok := called.variables[input]
		if !ok {
			c.add(RuleInput, body.Attributes[input].Range(), "module %s has no input %q", name, input)
			continue
		}
		if value, ok := constant(body.Attributes[input].Expr); ok {
			if _, err := convert.Convert(v.filled(value), v.typ); err != nil {
				c.add(RuleValue, body.Attributes[input].Range(), "module %s: %s: %v", name, input, err)
			}
		}
	}
	for _, input := range sortedKeys(called.variables) {
		if called.variables[input].required() && body.Attributes[input] == nil {
			c.add(RuleInput, call.DefRange(), "module %s needs the input %q", name, input)
		}
	}
}

// filled is a value with the defaults of optional attributes.
func (v *variable) filled(value cty.Value) cty.Value {
	if v.defaults == nil || !value.IsKnown() || value.IsNull() {
		return value
	}
	return v.defaults.Apply(value)
}

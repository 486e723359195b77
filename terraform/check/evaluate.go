package check

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// eval evaluates an expression. What it refers to is evaluated first. What cannot be known is unknown.
func (f *frame) eval(expression hclsyntax.Expression, at names) cty.Value {
	values := map[string]cty.Value{
		"path":      cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal(f.module.dir), "root": cty.StringVal("."), "cwd": cty.StringVal(".")}),
		"terraform": cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal("default")}),
		"var":       f.given, // a default refers to nothing
		"self":      cty.DynamicVal,
	}
	maps.Copy(values, at)
	locals, calls, resources := map[string]cty.Value{}, map[string]cty.Value{}, map[string]map[string]cty.Value{}
	others := map[string]map[string]map[string]cty.Value{"data": {}, "ephemeral": {}}
	for _, traversal := range hclsyntax.Variables(expression) {
		root, next := traversal.RootName(), attributeAt(traversal, 1)
		switch root {
		case "local":
			if f.module.locals[next] != nil {
				locals[next] = f.local(next)
			}
		case "module":
			if f.module.calls[next] != nil {
				calls[next] = f.call(next)
			}
		case "data", "ephemeral":
			if r, name := f.module.resources[root+"."+next+"."+attributeAt(traversal, 2)], attributeAt(traversal, 2); r != nil {
				put(others[root], next, name, f.resource(r))
			}
		default:
			if r := f.module.resources[root+"."+next]; r != nil {
				put(resources, root, next, f.resource(r))
			}
		}
	}
	values["local"], values["module"] = cty.ObjectVal(locals), cty.ObjectVal(calls)
	for typ, byName := range resources {
		values[typ] = cty.ObjectVal(byName)
	}
	for kind, byType := range others {
		all := map[string]cty.Value{}
		for typ, byName := range byType {
			all[typ] = cty.ObjectVal(byName)
		}
		values[kind] = cty.ObjectVal(all)
	}
	value, diags := expression.Value(&hcl.EvalContext{Variables: values, Functions: f.tree.functions})
	f.diagnosed(RuleValue, diags)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return value
}

func put(all map[string]map[string]cty.Value, typ, name string, value cty.Value) {
	if all[typ] == nil {
		all[typ] = map[string]cty.Value{}
	}
	all[typ][name] = value
}

// resource evaluates the instances of a resource, and is what a reference to it has.
func (f *frame) resource(r *resource) cty.Value {
	return f.once(f.resources, r.address(), r.address(), func() cty.Value {
		block, known := f.tree.schema(r)
		if !known {
			return cty.DynamicVal
		}
		return f.each(r.block, r.address(), func(address string, at names) cty.Value {
			address = f.path + address
			f.lifecycle(r, address, at)
			var values cty.Value
			if block == nil {
				values = f.loose(r.block.Body, r, at)
			} else {
				values = f.body(r.block.Body, block, r, at, address)
			}
			f.instances = append(f.instances, Instance{address, r.kind, r.typ, r.name, r.block.DefRange(), values})
			if block == nil {
				return f.told(address)
			}
			return seen(values)
		})
	})
}

// told is what a reference to something without a schema has: what the provider is said to say.
func (f *frame) told(address string) cty.Value {
	all := map[string]cty.Value{}
	for name, text := range f.said {
		if attribute, ok := strings.CutPrefix(name, address+"."); ok {
			all[attribute] = cty.StringVal(text)
		}
	}
	if len(all) == 0 {
		return cty.DynamicVal
	}
	return cty.ObjectVal(all)
}

// seen is what a reference has: of what was not set nobody knows what the provider makes of it.
func seen(values cty.Value) cty.Value {
	all := values.AsValueMap()
	for name, value := range all {
		if value.IsKnown() && value.IsNull() {
			all[name] = cty.UnknownVal(value.Type())
		}
	}
	return cty.ObjectVal(all)
}

func (f *frame) lifecycle(r *resource, address string, at names) {
	for _, block := range r.block.Body.Blocks {
		if block.Type != "lifecycle" {
			continue
		}
		for _, inner := range block.Body.Blocks {
			if inner.Type == "precondition" {
				f.condition(inner, address, at)
			}
		}
	}
}

// loose evaluates the arguments of what no schema is here of.
func (f *frame) loose(body *hclsyntax.Body, r *resource, at names) cty.Value {
	all := map[string]cty.Value{}
	for _, name := range sortedAttributes(body) {
		if !meta(r, name) {
			all[name] = f.eval(body.Attributes[name].Expr, at)
		}
	}
	return cty.ObjectVal(all)
}

// body evaluates a block by its schema.
func (f *frame) body(body *hclsyntax.Body, block *tfjson.SchemaBlock, r *resource, at names, address string) cty.Value {
	all := map[string]cty.Value{}
	for name, attribute := range block.Attributes {
		all[name] = f.argument(body.Attributes[name], attribute, at, address+"."+name)
	}
	for name, nested := range block.NestedBlocks {
		all[name] = f.blocks(body, name, nested, r, at, address)
	}
	return cty.ObjectVal(all)
}

func (f *frame) argument(given *hclsyntax.Attribute, attribute *tfjson.SchemaAttribute, at names, address string) cty.Value {
	switch {
	case given != nil:
	case attribute.Computed && attribute.AttributeType == cty.String:
		if said, ok := f.said[address]; ok {
			return cty.StringVal(said)
		}
		return cty.StringVal("<" + address + ">")
	case attribute.Computed:
		return cty.UnknownVal(attribute.AttributeType)
	default:
		return cty.NullVal(attribute.AttributeType)
	}
	value := f.eval(given.Expr, at)
	if fault := fits(value, attribute); fault != "" {
		f.add(RuleValue, given.Expr.Range(), "%s %s", address, fault)
		return cty.UnknownVal(attribute.AttributeType)
	}
	value, err := convert.Convert(value, attribute.AttributeType)
	if err != nil {
		return cty.UnknownVal(attribute.AttributeType)
	}
	return value
}

// blocks evaluates the blocks of one name: a list of objects, or one object or null where there is no list.
func (f *frame) blocks(body *hclsyntax.Body, name string, nested *tfjson.SchemaBlockType, r *resource, at names, address string) cty.Value {
	var all []cty.Value
	for _, block := range body.Blocks {
		switch {
		case metaBlock(r, block.Type):
		case block.Type == name:
			all = append(all, f.body(block.Body, nested.Block, nil, at, fmt.Sprintf("%s.%s[%d]", address, name, len(all))))
		case block.Type == "dynamic" && len(block.Labels) == 1 && block.Labels[0] == name && len(block.Body.Blocks) == 1 && block.Body.Attributes["for_each"] != nil:
			more, known := f.dynamic(block, nested, at, address)
			if !known {
				return cty.DynamicVal
			}
			all = append(all, more...)
		}
	}
	if nested.NestingMode == tfjson.SchemaNestingModeSingle {
		if len(all) == 0 {
			return cty.NullVal(typeOf(nested.Block))
		}
		return all[0]
	}
	if least, most := int(nested.MinItems), int(nested.MaxItems); len(all) < least || most > 0 && len(all) > most {
		f.add(RuleBlock, body.SrcRange, "%s has %d blocks %q, and needs %d to %d", address, len(all), name, least, most)
	}
	return cty.TupleVal(all)
}

func (f *frame) dynamic(block *hclsyntax.Block, nested *tfjson.SchemaBlockType, at names, address string) (all []cty.Value, known bool) {
	name := block.Labels[0]
	if iterator, ok := block.Body.Attributes["iterator"]; ok {
		name = hcl.ExprAsKeyword(iterator.Expr)
	}
	over := f.eval(block.Body.Attributes["for_each"].Expr, at)
	if !over.IsKnown() || over.IsNull() || !over.CanIterateElements() {
		return nil, false
	}
	for it := over.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if over.Type().IsSetType() {
			key = value
		}
		inner := maps.Clone(at)
		if inner == nil {
			inner = names{}
		}
		inner[name] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})
		all = append(all, f.body(block.Body.Blocks[0].Body, nested.Block, nil, inner, path.Join(address, block.Labels[0])))
	}
	return all, true
}

package check

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Instance is a resource, data source or ephemeral resource as a plan would hold it.
type Instance struct {
	Address string // from the root: module.service["api"].google_service_account.main
	Kind    string // resource, data or ephemeral
	Type    string
	Name    string
	Where   hcl.Range
	// Values are its arguments, and blocks as lists of objects. What only the provider could say is a text that
	// names it, so that two things which refer to the same have the same; or it is unknown.
	Values cty.Value
}

// Given is what a root module is expanded with.
type Given struct {
	Inputs map[string]any // as JSON has them
	// Said is what the provider says, by address and attribute: "data.google_project.this.number".
	Said map[string]string
}

// Expand evaluates a root module, and every module it calls, as far as that can be done without
// providers: what a plan would hold. Its problems are values that do not fit, and rules that do not hold.
func (t *Tree) Expand(dir string, given Given) ([]Instance, []Problem) {
	e := &expander{tree: t, said: given.Said}
	if f := e.open(dir, given); f != nil {
		e.visit(f)
	}
	return e.instances, e.problems.sorted()
}

// Evaluate returns the outputs of a module as JSON has them, as Outputs does with Terraform. One
// that cannot be known, or is null, is not among them.
func (t *Tree) Evaluate(dir string, given Given) (map[string]json.RawMessage, []Problem) {
	e := &expander{tree: t, said: given.Said}
	f := e.open(dir, given)
	if f == nil {
		return nil, e.problems.sorted()
	}
	all := map[string]json.RawMessage{}
	for name := range f.module.outputs {
		value := f.output(name)
		if !value.IsWhollyKnown() || value.IsNull() {
			continue
		}
		text, err := ctyjson.Marshal(value, value.Type())
		if err != nil {
			e.add(RuleValue, f.module.outputs[name].DefRange(), "the output %s: %v", name, err)
			continue
		}
		all[name] = text
	}
	return all, e.problems.sorted()
}

// open gives a root module what was given.
func (e *expander) open(dir string, given Given) *frame {
	m, ok := e.tree.modules[dir]
	if !ok {
		e.add(RuleModule, hcl.Range{Filename: dir}, "there is no module")
		return nil
	}
	inputs := map[string]cty.Value{}
	for name, input := range given.Inputs {
		value, err := valueOf(input)
		if err != nil || m.variables[name] == nil {
			e.add(RuleInput, hcl.Range{Filename: dir}, "the input %s: there is none, or it has no value: %v", name, err)
			continue
		}
		inputs[name] = value
	}
	return e.frame(m, "", inputs, hcl.Range{Filename: dir})
}

// valueOf is a value as HCL has it.
func valueOf(input any) (cty.Value, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return cty.NilVal, err
	}
	var value ctyjson.SimpleJSONValue
	err = value.UnmarshalJSON(text)
	return value.Value, err
}

type expander struct {
	problems
	tree      *Tree
	said      map[string]string
	instances []Instance
}

// frame is one instance of a module.
type frame struct {
	*expander
	module    *module
	path      string // of addresses: "" or "module.x."
	inputs    map[string]cty.Value
	given     cty.Value // the inputs as one object, once all are there
	locals    map[string]cty.Value
	resources map[string]cty.Value
	calls     map[string]cty.Value
	frames    map[string][]*frame // of the modules it calls
	busy      map[string]bool     // what is being evaluated: nothing refers to itself
}

// names are what has a value only at one place: each, count, the iterators of dynamic blocks.
type names map[string]cty.Value

// frame gives a module its inputs.
func (e *expander) frame(m *module, path string, given map[string]cty.Value, where hcl.Range) *frame {
	f := &frame{
		expander: e, module: m, path: path, given: cty.EmptyObjectVal, inputs: map[string]cty.Value{}, locals: map[string]cty.Value{}, resources: map[string]cty.Value{},
		calls: map[string]cty.Value{}, frames: map[string][]*frame{}, busy: map[string]bool{},
	}
	for _, name := range sortedKeys(m.variables) {
		f.inputs[name] = f.input(m.variables[name], given, name, where)
	}
	f.given = cty.ObjectVal(f.inputs)
	for _, name := range sortedKeys(m.variables) {
		for _, block := range m.variables[name].block.Body.Blocks {
			if block.Type == "validation" {
				f.condition(block, fmt.Sprintf("%s%s is refused", path, name), nil)
			}
		}
	}
	return f
}

func (f *frame) input(v *variable, given map[string]cty.Value, name string, where hcl.Range) cty.Value {
	value, ok := given[name]
	nullable := true
	if attribute, set := v.block.Body.Attributes["nullable"]; set {
		if said, known := constant(attribute.Expr); known && said.Type() == cty.Bool && said.IsKnown() {
			nullable = said.True()
		}
	}
	if standard := v.block.Body.Attributes["default"]; standard != nil && (!ok || !nullable && value.IsKnown() && value.IsNull()) {
		value, ok = f.eval(standard.Expr, nil), true
	}
	if !ok {
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
	}
	converted, err := convert.Convert(v.filled(value), v.typ)
	if err != nil {
		f.add(RuleValue, where, "the input %s of %s: %v", name, f.module.dir, err)
		return cty.DynamicVal
	}
	return converted
}

// condition looks at a rule: whether what it says holds.
func (f *frame) condition(block *hclsyntax.Block, what string, at names) {
	condition, message := block.Body.Attributes["condition"], block.Body.Attributes["error_message"]
	if condition == nil || message == nil {
		return
	}
	holds := f.eval(condition.Expr, at)
	if holds.Type() != cty.Bool || !holds.IsKnown() || holds.IsNull() || holds.True() {
		return
	}
	why := f.eval(message.Expr, at)
	if why.Type() == cty.String && why.IsKnown() && !why.IsNull() {
		what += ": " + why.AsString()
	}
	f.add(RuleValue, condition.Range(), "%s", what)
}

// visit evaluates everything in a module and those it calls.
func (e *expander) visit(f *frame) {
	for _, address := range sortedKeys(f.module.resources) {
		f.resource(f.module.resources[address])
	}
	for _, name := range sortedKeys(f.module.locals) {
		f.local(name)
	}
	for _, name := range sortedKeys(f.module.calls) {
		f.call(name)
		for _, inner := range f.frames[name] {
			e.visit(inner)
		}
	}
	for _, name := range sortedKeys(f.module.outputs) {
		f.output(name)
	}
}

func (f *frame) output(name string) cty.Value {
	block := f.module.outputs[name]
	for _, inner := range block.Body.Blocks {
		if inner.Type == "precondition" {
			f.condition(inner, "the output "+name, nil)
		}
	}
	if value, ok := block.Body.Attributes["value"]; ok {
		return f.eval(value.Expr, nil)
	}
	return cty.DynamicVal
}

func (f *frame) local(name string) cty.Value {
	return f.once(f.locals, "local."+name, name, func() cty.Value { return f.eval(f.module.locals[name].Expr, nil) })
}

// once evaluates a thing at its first use. What refers to itself is unknown.
func (f *frame) once(cache map[string]cty.Value, what, name string, evaluate func() cty.Value) cty.Value {
	if value, ok := cache[name]; ok {
		return value
	}
	if f.busy[what] {
		return cty.DynamicVal
	}
	f.busy[what] = true
	defer delete(f.busy, what)
	value := evaluate()
	cache[name] = value
	return value
}

// call is the value of a module that is called: its outputs.
func (f *frame) call(name string) cty.Value {
	return f.once(f.calls, "module."+name, name, func() cty.Value {
		block := f.module.calls[name]
		called := f.tree.called(f.module, block)
		if called == nil {
			return cty.DynamicVal
		}
		return f.each(block, "module."+name, func(path string, at names) cty.Value {
			given := map[string]cty.Value{}
			for _, input := range sortedAttributes(block.Body) {
				if called.variables[input] != nil {
					given[input] = f.eval(block.Body.Attributes[input].Expr, at)
				}
			}
			inner := f.frame(called, f.path+path+".", given, block.DefRange())
			f.frames[name] = append(f.frames[name], inner)
			outputs := map[string]cty.Value{}
			for output := range called.outputs {
				outputs[output] = inner.output(output)
			}
			return cty.ObjectVal(outputs)
		})
	})
}

// each evaluates a block for each of its instances, and returns what a reference to all of them has.
func (f *frame) each(block *hclsyntax.Block, address string, instance func(address string, at names) cty.Value) cty.Value {
	if count, ok := block.Body.Attributes["count"]; ok {
		n := f.eval(count.Expr, nil)
		number, err := convert.Convert(n, cty.Number)
		if err != nil || !number.IsKnown() || number.IsNull() {
			instance(address+"[?]", names{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.UnknownVal(cty.Number)})})
			return cty.DynamicVal
		}
		var all []cty.Value
		most, _ := number.AsBigFloat().Int64()
		for i := range most {
			all = append(all, instance(fmt.Sprintf("%s[%d]", address, i), names{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(i)})}))
		}
		return cty.TupleVal(all)
	}
	forEach, ok := block.Body.Attributes["for_each"]
	if !ok {
		return instance(address, nil)
	}
	over := f.eval(forEach.Expr, nil)
	if !over.IsKnown() || over.IsNull() || !over.CanIterateElements() {
		instance(address+"[?]", names{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})})
		return cty.DynamicVal
	}
	if kind := over.Type(); kind.IsListType() || kind.IsTupleType() {
		f.add(RuleValue, forEach.Range(), "%s%s: for_each takes a map or a set, and this is a list", f.path, address)
		return cty.DynamicVal
	}
	all := map[string]cty.Value{}
	for it := over.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if over.Type().IsSetType() {
			key = value
		}
		if key.Type() != cty.String || !key.IsKnown() {
			f.add(RuleValue, forEach.Range(), "%s%s: for_each has a key that is no text", f.path, address)
			continue
		}
		all[key.AsString()] = instance(fmt.Sprintf("%s[%q]", address, key.AsString()), names{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})})
	}
	return cty.ObjectVal(all)
}

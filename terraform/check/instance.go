package check

import (
	"cmp"

	"github.com/zclconf/go-cty/cty"
)

// At is what stands at a path of an instance: names of arguments and blocks, and of blocks
// the first of each name. It is unknown if that is, and cty.NilVal if there is none.
func (i Instance) At(path ...string) cty.Value {
	value := i.Values
	for _, name := range path {
		if value = first(value); value == cty.NilVal || !value.IsKnown() {
			return value
		}
		if value.IsNull() || !value.Type().IsObjectType() || !value.Type().HasAttribute(name) {
			return cty.NilVal
		}
		value = value.GetAttr(name)
	}
	return value
}

// first is the first block of a name.
func first(value cty.Value) cty.Value {
	if value == cty.NilVal || !value.IsKnown() || value.IsNull() || !value.Type().IsTupleType() {
		return value
	}
	if value.LengthInt() == 0 {
		return cty.NilVal
	}
	return value.Index(cty.Zero)
}

// Text is the text at a path, if it is there and known.
func (i Instance) Text(path ...string) (string, bool) {
	value := i.At(path...)
	if value == cty.NilVal || !value.IsKnown() || value.IsNull() || value.Type() != cty.String {
		return "", false
	}
	return value.AsString(), true
}

// Number is the number at a path, if it is there and known.
func (i Instance) Number(path ...string) (float64, bool) {
	value := i.At(path...)
	if value == cty.NilVal || !value.IsKnown() || value.IsNull() || value.Type() != cty.Number {
		return 0, false
	}
	number, _ := value.AsBigFloat().Float64()
	return number, true
}

// Is says whether the argument at a path is known to be true.
func (i Instance) Is(path ...string) bool {
	value := i.At(path...)
	return value != cty.NilVal && value.IsKnown() && !value.IsNull() && value.Type() == cty.Bool && value.True()
}

// Variable is one of an environment: its value, or the secret that it is read from.
type Variable struct{ Value, Secret string }

// Environment is what a service or a function is given, by name.
func (i Instance) Environment() map[string]Variable {
	all := map[string]Variable{}
	switch i.Type {
	case "google_cloud_run_v2_service", "google_cloud_run_v2_job":
		env := i.At("template", "containers", "env")
		if env == cty.NilVal || !env.CanIterateElements() {
			return all
		}
		for it := env.ElementIterator(); it.Next(); {
			_, block := it.Element()
			one := Instance{Values: block}
			name, _ := one.Text("name")
			value, _ := one.Text("value")
			secret, _ := one.Text("value_source", "secret_key_ref", "secret")
			// The same name twice is one that is seen, if either is.
			all[name] = Variable{cmp.Or(value, all[name].Value), cmp.Or(secret, all[name].Secret)}
		}
	case "google_cloudfunctions2_function":
		env := i.At("service_config", "environment_variables")
		if env == cty.NilVal || !env.CanIterateElements() {
			return all
		}
		for it := env.ElementIterator(); it.Next(); {
			key, value := it.Element()
			text := ""
			if value.IsKnown() && !value.IsNull() && value.Type() == cty.String {
				text = value.AsString()
			}
			all[key.AsString()] = Variable{Value: text}
		}
	}
	return all
}

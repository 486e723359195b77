package terraform

import "cmp"

// Instance is a resource as a plan makes it.
type Instance struct {
	Address string // from the root: module.service["api"].google_service_account.main
	Type    string
	Name    string
	Values  map[string]any // its arguments as encoding/json reads them, and its blocks as lists of such
}

// At is what stands at a path of an instance: names of arguments and blocks, and of blocks the first of each name. It is nil if there is
// nothing, or if it is known only after an apply.
func (i Instance) At(path ...string) any {
	var value any = i.Values
	for _, name := range path {
		if list, ok := value.([]any); ok {
			if len(list) == 0 {
				return nil
			}
			value = list[0]
		}
		of, _ := value.(map[string]any)
		value = of[name]
	}
	return value
}

// Text is the text at a path, if it is there and known.
func (i Instance) Text(path ...string) (string, bool) {
	text, ok := i.At(path...).(string)
	return text, ok
}

// Number is the number at a path, if it is there and known.
func (i Instance) Number(path ...string) (float64, bool) {
	number, ok := i.At(path...).(float64)
	return number, ok
}

// Is says whether the argument at a path is known to be true.
func (i Instance) Is(path ...string) bool {
	is, _ := i.At(path...).(bool)
	return is
}

// List is the list or the set at a path.
func (i Instance) List(path ...string) []any {
	list, _ := i.At(path...).([]any)
	return list
}

// Texts are those in the list or the set at a path.
func (i Instance) Texts(path ...string) []string {
	var all []string
	for _, value := range i.List(path...) {
		if text, ok := value.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// Blocks are those of a name, at the end of a path.
func (i Instance) Blocks(path ...string) []Instance {
	var all []Instance
	for _, value := range i.List(path...) {
		values, _ := value.(map[string]any)
		all = append(all, Instance{Values: values})
	}
	return all
}

// Variable is one of an environment: its value, or the secret that it is read from.
type Variable struct{ Value, Secret string }

// Environment is what a service or a function is given, by name.
func (i Instance) Environment() map[string]Variable {
	all := map[string]Variable{}
	switch i.Type {
	case "google_cloud_run_v2_service", "google_cloud_run_v2_job":
		for _, one := range i.Blocks("template", "containers", "env") {
			name, _ := one.Text("name")
			value, _ := one.Text("value")
			secret, _ := one.Text("value_source", "secret_key_ref", "secret")
			// The same name twice is one that is seen, if either is.
			all[name] = Variable{cmp.Or(value, all[name].Value), cmp.Or(secret, all[name].Secret)}
		}
	case "google_cloudfunctions2_function":
		given, _ := i.At("service_config", "environment_variables").(map[string]any)
		for name, value := range given {
			text, _ := value.(string)
			all[name] = Variable{Value: text}
		}
	}
	return all
}

package terraform

import (
	"strings"
)

// single are resources that Google refuses to change several of at once, with a 409 that the provider does not always try again after.
var single = map[string]string{
	"google_firestore_field": "a new Firestore database answers 409 to index changes made at once",
}

// order looks whether modules change such resources one after the other. Instances of one resource are made at once; so there is one in
// each call of a module, and each call but the first waits for another one that no other call waits for.
func (j *judge) order(dir string, m configModule) {
	for _, typ := range sortedKeys(single) {
		own, calls := m.makes(typ), map[string]bool{}
		for name, call := range m.Calls {
			if call.Module.makes(typ) > 0 {
				calls[name] = true
			}
		}
		if own > 1 || own > 0 && len(calls) > 0 {
			j.add(RuleRefused, dir, "%s makes several %s at once: %s", dir, typ, single[typ])
		}
		j.chained(dir, typ, m, calls)
	}
	for _, name := range sortedKeys(m.Calls) {
		j.order(strings.TrimPrefix(dir+".module."+name, "root."), m.Calls[name].Module)
	}
}

// chained looks at calls of modules that each make one.
func (j *judge) chained(dir, typ string, m configModule, calls map[string]bool) {
	waited, first := map[string]string{}, ""
	for _, name := range sortedKeys(calls) {
		call, before := m.Calls[name], ""
		if call.Count != nil || call.ForEach != nil {
			j.add(RuleRefused, dir, "module.%s makes several %s at once: %s", name, typ, single[typ])
		}
		for _, waits := range call.Waits {
			if other, ok := strings.CutPrefix(waits, "module."); ok && calls[other] {
				before = other
			}
		}
		switch {
		case before == "" && first != "":
			j.add(RuleRefused, dir, "module.%s and module.%s make %s at once: %s", first, name, typ, single[typ])
		case before == "":
			first = name
		case waited[before] != "":
			j.add(RuleRefused, dir, "module.%s and module.%s make %s at once: %s", waited[before], name, typ, single[typ])
		default:
			waited[before] = name
		}
	}
}

// makes counts the resources of a type in a module itself.
func (m configModule) makes(typ string) int {
	n := 0
	for _, r := range m.Resources {
		if r.Type == typ && r.Mode == "managed" {
			n++
		}
	}
	return n
}

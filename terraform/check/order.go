package check

import "strings"

// single are resources that Google refuses to change several of at once, with a 409 that the provider does not always try again after.
var single = map[string]string{
	"google_firestore_field": "a new Firestore database answers 409 to index changes made at once",
}

// order looks whether a module changes such resources one after the other. Instances of one resource are made at once; so there is one in
// each call of a module, and each call but the first waits for another one that no other call waits for.
func (c *checker) order() {
	m := c.module
	for _, typ := range sortedKeys(single) {
		own := 0
		for _, address := range sortedKeys(m.resources) {
			if m.resources[address].typ == typ {
				own++
			}
		}
		calls := map[string]bool{}
		for name, call := range m.calls {
			if called := c.tree.called(m, call); called != nil && called.has(typ) {
				calls[name] = true
			}
		}
		if own > 1 || own > 0 && len(calls) > 0 {
			c.add(RuleRefused, m.blocks[0].DefRange(), "%s makes several %s at once: %s", m.dir, typ, single[typ])
		}
		c.chained(typ, calls)
	}
}

// chained looks at calls of modules that each make one.
func (c *checker) chained(typ string, calls map[string]bool) {
	waited, first := map[string]string{}, ""
	for _, name := range sortedKeys(calls) {
		block, before := c.module.calls[name], ""
		if block.Body.Attributes["count"] != nil || block.Body.Attributes["for_each"] != nil {
			c.add(RuleRefused, block.DefRange(), "module.%s makes several %s at once: %s", name, typ, single[typ])
		}
		if waits := block.Body.Attributes["depends_on"]; waits != nil {
			for _, traversal := range waits.Expr.Variables() {
				if other := attributeAt(traversal, 1); traversal.RootName() == "module" && calls[other] {
					before = other
				}
			}
		}
		switch {
		case before == "" && first != "":
			c.add(RuleRefused, block.DefRange(), "module.%s and module.%s make %s at once: %s", first, name, typ, single[typ])
		case before == "":
			first = name
		case waited[before] != "":
			c.add(RuleRefused, block.DefRange(), "module.%s and module.%s make %s at once: %s", waited[before], name, typ, single[typ])
		default:
			waited[before] = name
		}
	}
}

// has says whether a module itself makes resources of a type.
func (m *module) has(typ string) bool {
	for address := range m.resources {
		if strings.HasPrefix(address, typ+".") {
			return true
		}
	}
	return false
}

package yjs

import "github.com/tidewire/tidewire/realtime"

// CheckRules refuses a channel whose namespace cannot keep a document. An error names the rule.
func CheckRules(c realtime.Channel, t *realtime.Tenant) error {
	wrong := func(rule string) error {
		return realtime.Errorf(realtime.CodeBadRequest, "channel: the namespace of %q keeps no documents: %s", c.Name(), rule)
	}
	if isAwareness(c) {
		return wrong("a name that ends in " + AwarenessSuffix + " is for the awareness of documents")
	}
	rules := t.Rules(c.Namespace()).State
	if rules == nil {
		return wrong("it needs state")
	}
	s := rules.WithDefaults()
	switch {
	case s.Transient:
		return wrong("state.transient must be left out")
	case s.TTL != 0:
		return wrong("state.ttl must be left out")
	case !*s.Durable:
		return wrong("state.durable must not be false")
	case s.Assign != "":
		return wrong("state.assign must be left out")
	}
	return nil
}

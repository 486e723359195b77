package explain

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/request"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// space names the rules of the event's namespace, as the document has them.
func (w *Work) space(c *Client) (field string, n realtime.Namespace) {
	name := w.Event.Channel.Namespace()
	n = c.Tenant.Rules(name)
	if _, named := c.Tenant.Namespaces[name]; !named {
		name = "*"
	}
	return "namespaces." + name, n
}

// hides returns the first rule that does not show the event, and what it is that it lacks.
func (w *Work) hides(c *Client, want *request.Want) (rule, detail string) {
	field, n := w.space(c)
	enforced := view.RulesOf(c.Principal, w.Event.Channel, &n)
	if n.Enforce != "" {
		if why, hidden := w.why(&view.Rules{Viewer: enforced.Viewer, Enforced: [][]string{{n.Enforce}}}); hidden {
			return field + ".enforce", why
		}
	}
	filters, _ := c.Principal.ViewPatterns(w.Event.Channel)
	for _, pattern := range filters {
		if why, hidden := w.why(&view.Rules{Viewer: enforced.Viewer, Enforced: [][]string{c.Principal.Views.Filters[pattern]}}); hidden {
			return tokenRule("filters", pattern), why
		}
	}
	if len(c.Principal.Enforced) > 0 {
		given := *c.Principal
		given.Views = realtime.Views{}
		if why, hidden := w.why(&view.Rules{Viewer: enforced.Viewer, Enforced: given.FiltersOf(w.Event.Channel)}); hidden {
			return "connect hook: filters", why
		}
	}
	if why, hidden := w.why(&view.Rules{Viewer: enforced.Viewer, Columns: enforced.Columns, Filter: want.Filter}); hidden {
		return "subscription.filter", why
	}
	if why, hidden := w.why(&view.Rules{Viewer: enforced.Viewer, Keys: want.Keys}); hidden {
		return "subscription.keys", why
	}
	return "", "" // it is hidden by rules that have changed since
}

// why asks one rule.
func (w *Work) why(r *view.Rules) (why string, hidden bool) {
	v, err := w.Views.Build(r)
	if err != nil {
		return err.Error(), true
	}
	if v.Shows(w.Event, &w.memo) {
		return "", false
	}
	return v.Why(w.Event, &w.memo), true
}

// cuts names the rules that leave members of data out, and says which are left.
func (w *Work) cuts(c *Client, want *request.Want, v *view.View) (rule, detail string) {
	field, n := w.space(c)
	var rules []string
	if len(n.Columns) > 0 {
		rules = append(rules, field+".columns")
	}
	_, columns := c.Principal.ViewPatterns(w.Event.Channel)
	for _, pattern := range columns {
		rules = append(rules, tokenRule("columns", pattern))
	}
	if want.Fields != nil {
		rules = append(rules, "subscription.fields")
	}
	return strings.Join(rules, ", "), "shown are " + strings.Join(v.Columns().Names(), ", ")
}

func tokenRule(claim string, p realtime.Pattern) string {
	return fmt.Sprintf("token.%s['%s']", claim, p)
}

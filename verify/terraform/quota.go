package terraform

import "regexp"

// attributed are resources whose APIs refuse a person's credentials unless a call names the project that it is attributed to, which the
// provider does only when it is told to (its documentation of google_billing_budget; provider issues 8263 and 13120).
var attributed = regexp.MustCompile(`^google_(firebaserules|firebase|billing_budget|identity_platform|cloud_identity|apikeys|access_context_manager|scc)(_|$)`)

// quota looks at the configuration of provider google in a root that makes such resources, itself or by a module.
func (j *judge) quota(c configuration) {
	what := c.Root.attributed("")
	if what == "" {
		return
	}
	given := c.Providers["google"].Expressions
	if override, ok := given["user_project_override"]; !ok {
		j.add(RuleRefused, what, "%s is made without user_project_override: its API refuses a person's credentials", what)
	} else if override.Constant != true {
		j.add(RuleRefused, what, "%s: user_project_override must be true: its API refuses a person's credentials otherwise", what)
	}
	if project, ok := given["billing_project"]; !ok || project.Constant == nil && len(project.References) == 0 {
		j.add(RuleRefused, what, "%s is made without billing_project: its API refuses a person's credentials", what)
	}
}

// attributed is the first address of a resource of that kind in a module and those that it calls, or nothing.
func (m configModule) attributed(path string) string {
	for _, r := range m.Resources {
		if r.Mode == "managed" && attributed.MatchString(r.Type) {
			return path + r.Address
		}
	}
	for _, name := range sortedKeys(m.Calls) {
		if what := m.Calls[name].Module.attributed(path + "module." + name + "."); what != "" {
			return what
		}
	}
	return ""
}

// provisioned looks for what runs beside the plan, in a module and those that it calls.
func (j *judge) provisioned(path string, m configModule) {
	for _, r := range m.Resources {
		if len(r.Provisioners) > 0 {
			j.add(RuleTrick, path+r.Address, "%s runs something that is in no plan", path+r.Address)
		}
	}
	for _, name := range sortedKeys(m.Calls) {
		j.provisioned(path+"module."+name+".", m.Calls[name].Module)
	}
}

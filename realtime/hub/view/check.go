package view

import (
	"errors"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Check refuses what a client asks of all channels that a pattern selects if it can be asked of none of them. What is enforced for some of them
// may still refuse it there: they are not looked at.
func (b *Builder) Check(p *realtime.Principal, t *realtime.Tenant, pattern realtime.Pattern, filter string, keys []string) *realtime.Error {
	viewer := Viewer{User: p.User, Groups: p.Groups}
	name, _, _ := strings.Cut(string(pattern), ":")
	if name != "*" && name != "**" {
		viewer.Data = t.Rules(name).Filterable
	} else {
		for _, n := range t.Namespaces {
			viewer.Data = append(viewer.Data, n.Filterable...)
		}
	}
	_, err := b.Build(&Rules{Viewer: viewer, Filter: filter, Keys: keys})
	refused := (*realtime.Error)(nil)
	if err != nil && !errors.As(err, &refused) {
		return realtime.Errorf(realtime.CodeOf(err), "%v", err)
	}
	return refused
}

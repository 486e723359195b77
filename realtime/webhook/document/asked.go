package document

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Asked reports whether the hook is asked about an event. Subject is the channel of HookSubscribe and HookPublish, or a pattern if a client asks for
// one, and the route of HookCall. A pattern concerns the hook if it may select a channel that does.
func Asked(h *realtime.Hook, e realtime.HookEvent, subject string) bool {
	if e == realtime.HookCall {
		return slices.ContainsFunc(h.On, func(on string) bool {
			route, call := strings.CutPrefix(on, "call:")
			return call && matchRoute(route, subject)
		})
	}
	if !slices.Contains(h.On, string(e)) {
		return false
	}
	if e == realtime.HookConnect || len(h.Channels) == 0 {
		return true
	}
	return slices.ContainsFunc(h.Channels, func(p realtime.Pattern) bool { return p.Overlaps(realtime.Pattern(subject)) })
}

func matchRoute(pattern, route string) bool {
	if begins, rest := strings.CutSuffix(pattern, "*"); rest {
		return strings.HasPrefix(route, begins)
	}
	return pattern == route
}

// Asks reports whether the tenant has a hook that is asked about an event.
func Asks(t *realtime.Tenant, e realtime.HookEvent, subject string) bool {
	for i := range t.Hooks {
		if Asked(&t.Hooks[i], e, subject) {
			return true
		}
	}
	return false
}

// Decides reports whether a hook decides about an event of the tenant's users, or whether they may connect at all. Where only a gateway can ask it, others
// have to refuse what grants alone would allow.
func Decides(t *realtime.Tenant, e realtime.HookEvent, subject string) bool {
	return Asks(t, realtime.HookConnect, "") || Asks(t, e, subject)
}

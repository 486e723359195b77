package hook

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Narrow returns those grants of want that the principal's own cover, and so grants that allow nothing which these do not. What stands in want as it
// stands in the principal's is covered, braces included.
func Narrow(p *realtime.Principal, want *realtime.Grants) (narrowed realtime.Grants) {
	for _, a := range realtime.Actions() {
		*narrowed.Of(a) = covered(p, a, *want.Of(a))
	}
	if want.History != nil || p.Grants.History != nil { // a list that is nil would be that of Subscribe
		asked := want.History
		if asked == nil {
			asked = want.Subscribe
		}
		narrowed.History = append([]realtime.Pattern{}, covered(p, realtime.ActionHistory, asked)...)
	}
	return narrowed
}

func covered(p *realtime.Principal, a realtime.Action, want []realtime.Pattern) (covered []realtime.Pattern) {
	has := *p.Grants.Of(a)
	if a == realtime.ActionHistory && has == nil {
		has = p.Grants.Subscribe
	}
	for _, q := range want {
		if slices.Contains(has, q) || p.MayAll(a, q) {
			covered = append(covered, q)
		}
	}
	return covered
}

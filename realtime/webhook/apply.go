package webhook

import (
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/webhook/event"
)

// addTo adds an answer about a connect to what the hooks before have answered, or leaves that as it is and returns what is wrong: grants that the
// client does not have, or too much meta.
func addTo(all *hook.ConnectResult, p *realtime.Principal, a *event.Answer) error {
	next := hook.ConnectResult{Groups: slices.Concat(all.Groups, a.Groups), Narrowed: all.Narrowed, Filters: all.Filters, Meta: maps.Clone(all.Meta)}
	maps.Copy(next.Meta, a.Meta)
	if a.Grants != nil {
		has := next.Extend(p)
		if narrowed := hook.Narrow(has, a.Grants); narrowed.Len() < a.Grants.Len() {
			return realtime.Errorf(realtime.CodeInternal, "grants: the answer has some that the client's do not cover")
		}
		next.Narrowed = a.Grants
	}
	if len(a.Filters) > 0 {
		next.Filters = append(slices.Clip(next.Filters), a.Filters)
	}
	if err := next.Check(); err != nil {
		return err
	}
	*all = next
	return nil
}

// checkChange refuses a change of an event that cannot be made.
func checkChange(p *realtime.Publication, a *event.Answer) error {
	if p.Op != realtime.OpSet && (a.Data != nil || a.Key != nil) {
		return realtime.Errorf(realtime.CodeInternal, "the answer has data or key for an event that removes")
	}
	changed := *p
	change(&changed, a)
	return changed.CheckFields()
}

// change puts an answer about a publish into the event.
func change(p *realtime.Publication, a *event.Answer) {
	if a.Key != nil {
		p.Key = *a.Key
	}
	if a.Tags != nil {
		p.Tags = maps.Clone(a.Tags)
	}
	if a.Data != nil {
		p.Data = a.Data
	}
}

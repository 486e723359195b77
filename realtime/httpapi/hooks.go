package httpapi

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// keepHookSecrets fills in what the document's hooks had when they were stored: a hook that is given without its secrets, under its name, has those
// that are there. Its URL may be another one.
func keepHookSecrets(doc, stored *realtime.Tenant) {
	doc.Hooks = slices.Clone(doc.Hooks)
	for i := range doc.Hooks {
		h := &doc.Hooks[i]
		if old := hookNamed(stored, h.Name); old != nil && len(h.Secrets) == 0 && h.Auth != realtime.HookOIDC {
			h.Secrets = old.Secrets
		}
	}
}

// hooksWithoutSecrets returns hooks as they may be shown.
func hooksWithoutSecrets(hooks []realtime.Hook) []realtime.Hook {
	hooks = slices.Clone(hooks)
	for i := range hooks {
		hooks[i].Secrets = nil
	}
	return hooks
}

// hookChanges says of which hooks, that are there before and after, the secrets change.
func hookChanges(from, to *realtime.Tenant) (changes []FieldChange) {
	for i := range to.Hooks {
		h := &to.Hooks[i]
		if old := hookNamed(from, h.Name); old != nil && !slices.Equal(old.Secrets, h.Secrets) {
			changes = append(changes, FieldChange{Field: "hooks." + h.Name + ".secrets", From: orNull(nil), To: orNull(nil), Secret: true})
		}
	}
	return changes
}

func hookNamed(t *realtime.Tenant, name string) *realtime.Hook {
	if i := slices.IndexFunc(t.Hooks, func(h realtime.Hook) bool { return h.Name == name }); i >= 0 {
		return &t.Hooks[i]
	}
	return nil
}

// undecided refuses a token that does not manage a part, where hooks decide who reads a channel: nobody here can ask them.
func (c *call) undecided(part realtime.Manage, channel realtime.Channel) error {
	if c.manages(part) || !document.Decides(c.tenant, realtime.HookSubscribe, channel.Name()) {
		return nil
	}
	return realtime.Errorf(realtime.CodeForbidden, "channel: hooks decide who reads %q; ask over a socket, or with a token whose claim manage contains %q", channel.Name(), part)
}

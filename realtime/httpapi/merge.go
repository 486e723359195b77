package httpapi

import (
	"encoding/json"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
)

// patchTenant merges the body into the tenant's document (RFC 7396): what it names is set, what it sets to null has
// its default again, and what it does not name stays, keys included, which are told apart by their kid. With prune=true
// the body is the whole document, as for PUT. With dryRun=true nothing is written.
func (a *api) patchTenant(c *call) error {
	q, err := c.query("dryRun", "prune")
	if err != nil {
		return err
	}
	if c.dry, err = flag(q, "dryRun"); err != nil {
		return err
	}
	prune, err := flag(q, "prune")
	if err != nil {
		return err
	}
	patch := &realtime.Tenant{}
	body, err := c.body(patch)
	if err != nil {
		return err
	}
	return a.change(c, "a tenant was changed", upsert, func(stored *realtime.Tenant) (*realtime.Tenant, error) {
		if prune {
			c.kept = nil
			return replaced(stored, patch, body), nil
		}
		var next *realtime.Tenant
		next, c.kept, err = merged(stored, patch, body)
		return next, err
	})
}

// replaced is a whole document in the place of the stored one.
func replaced(stored, doc *realtime.Tenant, body []byte) *realtime.Tenant {
	next := *doc
	next.Auth.Keys = slices.Clone(doc.Auth.Keys)
	keepSecrets(&next, stored)
	keepHookSecrets(&next, stored)
	if !hasMember(body, "suspended") {
		next.Suspended = stored.Suspended
	}
	return &next
}

// merged is the stored document with what a patch says. kept are the stored keys of which it says nothing.
func merged(stored, patch *realtime.Tenant, body []byte) (next *realtime.Tenant, kept []realtime.Key, err error) {
	text, err := json.Marshal(stored)
	if err != nil {
		return nil, nil, err
	}
	var into, from any
	if err := json.Unmarshal(text, &into); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &from); err != nil {
		return nil, nil, realtime.Errorf(realtime.CodeBadRequest, "body: %v", err) // it was decoded before
	}
	if _, object := from.(map[string]any); !object {
		return nil, nil, realtime.Errorf(realtime.CodeBadRequest, "body: must be an object")
	}
	if text, err = json.Marshal(mergePatch(into, from)); err != nil {
		return nil, nil, err
	}
	next = &realtime.Tenant{}
	if err := strict.Decode("body", text, next); err != nil {
		return nil, nil, faults(err)
	}
	keepHookSecrets(next, stored)
	if names(from, "auth", "keys") {
		next.Auth.Keys, kept = mergedKeys(stored.Auth.Keys, patch.Auth.Keys)
	}
	return next, kept, nil
}

// mergePatch applies a merge patch to a value (RFC 7396 section 2).
func mergePatch(target, patch any) any {
	from, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	into, ok := target.(map[string]any)
	if !ok {
		into = map[string]any{}
	}
	for name, value := range from {
		if value == nil {
			delete(into, name)
		} else {
			into[name] = mergePatch(into[name], value)
		}
	}
	return into
}

// names reports whether a value has something else than null at a path.
func names(value any, path ...string) bool {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value != nil
}

// mergedKeys are the stored keys with those of a patch: one of a stored kid takes that one's place, others come first, so
// that a new one signs. Where the patch names all that are stored, its order counts. kept are those that it does not name.
func mergedKeys(stored, patch []realtime.Key) (all, kept []realtime.Key) {
	named := func(k realtime.Key) int {
		return slices.IndexFunc(patch, func(p realtime.Key) bool {
			return p.KID == k.KID && (k.KID != "" || p.Alg == k.Alg && p.Secret == k.Secret && p.PEM == k.PEM)
		})
	}
	filled := slices.Clone(patch) // with the material of those that are given without
	var places []realtime.Key     // the stored ones, each as it is to be
	old := map[int]bool{}         // which of the patch are stored
	for _, k := range stored {
		i := named(k)
		if i < 0 {
			kept = append(kept, k)
			places = append(places, k)
			continue
		}
		if p := &filled[i]; p.Secret == "" && p.PEM == "" && p.Alg == k.Alg {
			p.Secret, p.PEM = k.Secret, k.PEM
		}
		if p := &filled[i]; p.Until.IsZero() {
			p.Until = k.Until
		}
		old[i] = true
		places = append(places, filled[i])
	}
	if len(kept) == 0 {
		return filled, nil
	}
	for i, p := range filled {
		if !old[i] {
			all = append(all, p)
		}
	}
	return append(all, places...), kept
}

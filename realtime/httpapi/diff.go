package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Plan answers a change that is not made (dryRun): what it would do.
type Plan struct {
	// Change is what would become of the document: created, changed or unchanged.
	Change string `json:"change"`
	// Changes are the fields that would change, in order.
	Changes []FieldChange `json:"changes"`
	// Kept are the keys that the body does not name and that stay all the same.
	Kept []string `json:"kept,omitempty"`
	// Tenant is the document as it would be, without secrets.
	Tenant *realtime.Tenant `json:"tenant"`
}

// FieldChange is one field of a document that changes. A list counts as one field, and so does a key.
type FieldChange struct {
	// Field is its path, such as limits.connections; a key is auth.keys.<kid>, the secrets of a hook are hooks.<name>.secrets.
	Field string `json:"field"`
	// From and To are its values, null for none. Of a key nothing secret is part of them.
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
	// Secret says that of a key its secret or pem changes, or that the field is the secrets of a hook.
	Secret bool `json:"secret,omitempty"`
}

// showPlan answers instead of a change. Its ETag is that of the document that is there.
func (c *call) showPlan(stored, doc *realtime.Tenant, there bool, outcome change) error {
	from := stored
	if !there {
		from = &realtime.Tenant{}
	} else {
		c.tag(stored)
	}
	changes, err := differences(from, doc)
	if err != nil {
		return err
	}
	p := Plan{Change: string(outcome), Changes: changes, Tenant: withoutSecrets(doc)}
	for i, k := range c.kept {
		p.Kept = append(p.Kept, keyName(k, i))
	}
	return c.answer(http.StatusOK, p)
}

// differences are the fields that differ in two documents.
func differences(from, to *realtime.Tenant) ([]FieldChange, error) {
	fields := [2]map[string]json.RawMessage{{}, {}}
	for i, t := range []*realtime.Tenant{from, to} {
		whole := *t
		whole.Auth.Keys = nil // they are compared one by one
		whole.Moved = nil     // it goes with placement
		whole.Hooks = hooksWithoutSecrets(t.Hooks)
		text, err := json.Marshal(&whole)
		if err != nil {
			return nil, err
		}
		flatten(fields[i], "", text)
	}
	changes := append(keyChanges(from.Auth.Keys, to.Auth.Keys), hookChanges(from, to)...)
	for name := range union(fields[0], fields[1]) {
		if a, b := fields[0][name], fields[1][name]; string(a) != string(b) {
			changes = append(changes, FieldChange{Field: name, From: orNull(a), To: orNull(b)})
		}
	}
	slices.SortFunc(changes, func(a, b FieldChange) int {
		switch {
		case a.Field < b.Field:
			return -1
		case a.Field > b.Field:
			return 1
		}
		return 0
	})
	return changes, nil
}

// flatten puts the values of an object into fields, by their path.
func flatten(fields map[string]json.RawMessage, path string, text json.RawMessage) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil || len(object) == 0 && path != "" {
		fields[path] = text
		return
	}
	for name, value := range object {
		if path != "" {
			name = path + "." + name
		}
		flatten(fields, name, value)
	}
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func orNull(text json.RawMessage) json.RawMessage {
	if text == nil {
		return json.RawMessage("null")
	}
	return text
}

// keyChanges compares keys one by one, and their order, which says which of them signs.
func keyChanges(from, to []realtime.Key) []FieldChange {
	changes := []FieldChange{}
	old, now := places(from), places(to)
	for id, i := range old {
		j, stays := now[id]
		if stays && from[i] == to[j] {
			continue
		}
		c := FieldChange{Field: "auth.keys." + keyName(from[i], i), From: shownKey(from[i]), To: orNull(nil)}
		if stays {
			c.To, c.Secret = shownKey(to[j]), from[i].Secret != to[j].Secret || from[i].PEM != to[j].PEM
		}
		changes = append(changes, c)
	}
	for id, j := range now {
		if _, was := old[id]; !was {
			changes = append(changes, FieldChange{Field: "auth.keys." + keyName(to[j], j), From: orNull(nil), To: shownKey(to[j])})
		}
	}
	if a, b := order(from, now), order(to, old); !slices.Equal(a, b) {
		changes = append(changes, FieldChange{Field: "auth.keys", From: quoted(a), To: quoted(b)})
	}
	return changes
}

// places are where keys stand in a list, by what tells them apart: their kid, or their material if they have none.
func places(keys []realtime.Key) map[string]int {
	all := make(map[string]int, len(keys))
	for i, k := range keys {
		all[keyIdentity(k)] = i
	}
	return all
}

func keyIdentity(k realtime.Key) string {
	if k.KID != "" {
		return "kid " + k.KID
	}
	return k.Alg + " " + k.Secret + k.PEM
}

// order lists those of some keys that are among others too, by their kids.
func order(keys []realtime.Key, among map[string]int) (kids []string) {
	for _, k := range keys {
		if _, both := among[keyIdentity(k)]; both && k.KID != "" {
			kids = append(kids, k.KID)
		}
	}
	return kids
}

// keyName is the kid of a key, or its place among the others.
func keyName(k realtime.Key, at int) string {
	if k.KID != "" {
		return k.KID
	}
	return fmt.Sprintf("[%d]", at)
}

func shownKey(k realtime.Key) json.RawMessage {
	return quoted(withoutSecrets(&realtime.Tenant{Auth: realtime.Auth{Keys: []realtime.Key{k}}}).Auth.Keys[0])
}

func quoted(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		return orNull(nil) // of strings alone it cannot fail
	}
	return text
}

// flag reads a parameter that is true or false; without it, false.
func flag(q url.Values, name string) (bool, error) {
	switch q.Get(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if !q.Has(name) {
			return false, nil
		}
	}
	return false, realtime.Errorf(realtime.CodeBadRequest, "%s: must be true or false, got %.16q", name, q.Get(name))
}

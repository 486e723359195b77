package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// tenantList is a page of identifiers.
type tenantList struct {
	Tenants []string `json:"tenants"`
	Next    string   `json:"next,omitempty"`
}

func (a *api) listTenants(c *call) error {
	q, err := c.query("after", "limit")
	if err != nil {
		return err
	}
	limit, err := pageSize(q)
	if err != nil {
		return err
	}
	ids, next, err := a.o.Tenants.List(c.r.Context(), q.Get("after"), limit)
	if err != nil {
		return err
	}
	if ids == nil {
		ids = []string{}
	}
	return c.answer(http.StatusOK, tenantList{Tenants: ids, Next: next})
}

// getTenant shows the document as it is stored: what is remembered here may be some seconds old, and its ETag of no use.
func (a *api) getTenant(c *call) error {
	stored, there, err := a.stored(c)
	if err != nil {
		return err
	}
	if !there {
		return noSuchTenant()
	}
	c.tag(stored)
	return c.answer(http.StatusOK, withoutSecrets(stored))
}

// putTenant writes a document, after its topic is there. It replaces what was there but for what the body
// cannot hold (keys' secrets) or leaves out on purpose (suspended).
func (a *api) putTenant(c *call) error {
	doc := &realtime.Tenant{}
	body, err := c.body(doc)
	if err != nil {
		return err
	}
	return a.change(c, "a tenant was put", upsert, func(stored *realtime.Tenant) (*realtime.Tenant, error) {
		return replaced(stored, doc, body), nil
	})
}

func (a *api) suspendTenant(c *call) error { return a.setSuspended(c, true, "a tenant was suspended") }

func (a *api) resumeTenant(c *call) error { return a.setSuspended(c, false, "a tenant was resumed") }

func (a *api) setSuspended(c *call, suspended bool, what string) error {
	return a.change(c, what, part, func(stored *realtime.Tenant) (*realtime.Tenant, error) {
		next := *stored
		next.Suspended = suspended
		return &next, nil
	})
}

// equal reports whether two documents say the same.
func equal(a, b *realtime.Tenant) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// noteMove notes in a document that its placement is another than that of the one stored. What a body says of
// moves does not count.
func noteMove(doc, stored *realtime.Tenant, created bool, now time.Time) error {
	doc.Moved = stored.Moved
	placed := func(t *realtime.Tenant) string { return cmp.Or(t.Placement, realtime.PlacementOwn) }
	if created || placed(doc) == placed(stored) {
		return nil
	}
	if m := stored.Moved; m != nil && now.Before(m.Until) {
		return &realtime.Error{
			Code: realtime.CodeConflict, RetryAfter: m.Until.Sub(now),
			Message: "placement: the tenant is being moved until " + m.Until.UTC().Format(time.RFC3339) + "; change it again after that",
		}
	}
	doc.Moved = realtime.NewMoved(stored.Placement, now.UTC().Truncate(time.Second))
	return nil
}

// keepSecrets fills in what the document's keys had when they were stored: a key that is given without its
// secret or pem, under its kid and algorithm, is the one that is there.
func keepSecrets(doc, stored *realtime.Tenant) {
	for i := range doc.Auth.Keys {
		k := &doc.Auth.Keys[i]
		if k.KID == "" || k.Secret != "" || k.PEM != "" {
			continue
		}
		for _, old := range stored.Auth.Keys {
			if old.KID == k.KID && old.Alg == k.Alg {
				k.Secret, k.PEM = old.Secret, old.PEM
			}
		}
	}
}

// withoutSecrets returns a document without what is secret: secrets, and every pem that is not a public key.
func withoutSecrets(t *realtime.Tenant) *realtime.Tenant {
	s := *t
	s.Hooks = hooksWithoutSecrets(t.Hooks)
	s.Auth.Keys = nil
	for _, k := range t.Auth.Keys {
		k.Secret = ""
		if !auth.IsPublicPEM(k.PEM) {
			k.PEM = ""
		}
		s.Auth.Keys = append(s.Auth.Keys, k)
	}
	return &s
}

// hasMember reports whether a body, which is a JSON object, gives a member a value.
func hasMember(body []byte, member string) bool {
	if jsontext.Begins(body) != '{' {
		return false // null
	}
	for name, value := range jsontext.Members(json.RawMessage(body)) {
		if string(name) == member {
			return jsontext.Begins(value) != 'n'
		}
	}
	return false
}

package httpapi

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// keyAnswer is a tenant's keys, without what is secret, but for a secret that the call has made.
type keyAnswer struct {
	Keys   []realtime.Key `json:"keys"`
	KID    string         `json:"kid,omitempty"`    // of the key that was added
	Secret string         `json:"secret,omitempty"` // that was made for it; it is shown this once
}

// listKeys shows the keys of a tenant, the one that signs first.
func listKeys(a *api, c *call) error {
	stored, there, err := a.stored(c)
	if err != nil {
		return err
	}
	if !there {
		return noSuchTenant()
	}
	c.tag(stored)
	return c.answer(http.StatusOK, keysOf(stored))
}

func keysOf(t *realtime.Tenant) *keyAnswer {
	return &keyAnswer{Keys: append([]realtime.Key{}, withoutSecrets(t).Auth.Keys...)}
}

// addKey puts a key before those that there are, so that it signs.
func addKey(a *api, c *call) error {
	var k realtime.Key
	if _, err := c.body(&k); err != nil {
		return err
	}
	return changeKeys(a, c, "a key was added", &k, func(keys []realtime.Key) ([]realtime.Key, error) {
		return append([]realtime.Key{k}, keys...), nil
	})
}

// maxOverlap is how long a key may go on that is rotated.
const maxOverlap = 366 * 24 * time.Hour

// rotateKey puts a key in the place of another, which is good for a while longer.
func rotateKey(a *api, c *call) error {
	b := struct {
		KID     string            `json:"kid"`
		Secret  string            `json:"secret"`
		PEM     string            `json:"pem"`
		Overlap realtime.Duration `json:"overlap"`
	}{Overlap: realtime.Duration(24 * time.Hour)}
	if _, err := c.body(&b); err != nil {
		return err
	}
	if b.Overlap < 0 || time.Duration(b.Overlap) > maxOverlap {
		return realtime.Errorf(realtime.CodeBadRequest, "overlap: must be 0s to %s, got %s", maxOverlap, time.Duration(b.Overlap))
	}
	k, until := realtime.Key{KID: b.KID, Secret: b.Secret, PEM: b.PEM}, time.Now().Add(time.Duration(b.Overlap)).UTC().Truncate(time.Second)
	return changeKeys(a, c, "a key was rotated", &k, func(keys []realtime.Key) ([]realtime.Key, error) {
		i, err := c.key(keys)
		if err != nil {
			return nil, err
		}
		old := &keys[i]
		if old.Alg != "HS256" && k.PEM == "" {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "pem: is missing; a key of %s is made by who signs", old.Alg)
		}
		k.Alg = old.Alg
		if old.Until.IsZero() || until.Before(old.Until) {
			old.Until = until
		}
		if b.Overlap == 0 {
			keys = slices.Delete(keys, i, i+1)
		}
		return append([]realtime.Key{k}, keys...), nil
	})
}

// withdrawKey removes a key. The connections whose token it signed are closed.
func withdrawKey(a *api, c *call) error {
	return changeKeys(a, c, "a key was withdrawn", nil, func(keys []realtime.Key) ([]realtime.Key, error) {
		i, err := c.key(keys)
		if err != nil {
			return nil, err
		}
		return slices.Delete(keys, i, i+1), nil
	})
}

// key is the index of the key that the path names.
func (c *call) key(keys []realtime.Key) (int, error) {
	kid := c.r.PathValue("kid")
	if i := slices.IndexFunc(keys, func(k realtime.Key) bool { return k.KID == kid }); i >= 0 && kid != "" {
		return i, nil
	}
	return 0, realtime.Errorf(realtime.CodeNotFound, "kid: the tenant has no key %.200q", kid)
}

// changeKeys changes the keys of a document. added is one that is put to them, nil for none: it is given a kid and a secret, if it is to have them and
// comes without.
func changeKeys(a *api, c *call, what string, added *realtime.Key, change func([]realtime.Key) ([]realtime.Key, error)) error {
	secret := ""
	if added != nil {
		added.KID = cmp.Or(added.KID, "k-"+strings.ToLower(rand.Text()[:12]))
		if added.Secret == "" && added.PEM == "" && cmp.Or(added.Alg, "HS256") == "HS256" {
			secret = rand.Text() + rand.Text()
		}
	}
	c.shown = func(t *realtime.Tenant) any {
		answer := keysOf(t)
		if added != nil {
			answer.KID, answer.Secret = added.KID, secret
		}
		return answer
	}
	return a.change(c, what, keys, func(stored *realtime.Tenant) (*realtime.Tenant, error) {
		if added != nil {
			if slices.ContainsFunc(stored.Auth.Keys, func(k realtime.Key) bool { return k.KID == added.KID }) {
				return nil, realtime.Errorf(realtime.CodeConflict, "kid: the tenant already has a key with the kid %q", added.KID)
			}
			added.Secret = cmp.Or(secret, added.Secret)
		}
		next, now := *stored, time.Now()
		there := slices.DeleteFunc(slices.Clone(stored.Auth.Keys), func(k realtime.Key) bool { return k.Ended(now) }) // nothing is good by them
		var err error
		if next.Auth.Keys, err = change(there); err != nil {
			return nil, err
		}
		return &next, nil
	})
}

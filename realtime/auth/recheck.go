package auth

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Recheck judges the token that a principal was made of once more, by a document that may be another than the
// one it was judged by: it returns nil, or what Verify would answer to the token now. Logouts are not asked for. A
// key that its issuer has withdrawn counts until the set has been without it for JWKSOptions.Refresh. A principal without a Credential is
// judged by the tenant's suspension alone.
//
// It waits for the issuer's keys, at most until ctx ends.
func (v *Verifier) Recheck(ctx context.Context, doc *realtime.Tenant, p *realtime.Principal) error {
	err := v.recheck(ctx, doc, p)
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.answer()
	}
	return err
}

func (v *Verifier) recheck(ctx context.Context, doc *realtime.Tenant, p *realtime.Principal) error {
	if by := p.Credential; by != nil {
		if by.InQuery && !doc.Auth.AllowQuery {
			return refuse(reasonQuery, "the tenant does not allow a token in the query any more")
		}
		if _, err := v.rings.of(doc).find(ctx, proof{
			alg: by.Alg, kid: by.KID, by: func(k *key) bool { return k.id == by.Key }, again: true,
		}); err != nil {
			return err
		}
		c := claims{issuer: by.Issuer, audience: by.Audience, expires: p.Expires}
		if err := c.check(doc.Auth, time.Now(), v.options.Leeway); err != nil {
			return err
		}
	}
	if doc.Suspended {
		return refuse(reasonSuspended, "user %q", p.User)
	}
	return nil
}

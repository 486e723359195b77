package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tidewire/tidewire/realtime"
)

// Signer makes tokens of one tenant, for the command line, for tests and for a server
// that logs its own users in. It is safe for concurrent use.
type Signer struct {
	// TenantClaim is Options.TenantClaim of the Verifier; empty is "tenant".
	TenantClaim string

	key    *key
	tenant *realtime.Tenant
}

// Claims are what a token says of its owner.
type Claims struct {
	User    string            // required
	Groups  []string          // at most MaxGroups
	Grants  realtime.Grants   // at most MaxPatterns
	Views   realtime.Views    // at most MaxViews patterns of each
	Manage  []realtime.Manage // at most MaxManage
	Role    realtime.Role     // of an operator; empty is everything
	Expires time.Time         // required; kept to the second
	// Issued is when the token was made; zero is now.
	Issued time.Time
}

// NewSigner returns a Signer that uses the tenant's first key that can sign, a
// secret or a private key, and has not ended. An error has code CodeNotFound if there is none, and
// CodeBadRequest if the document's keys are not what CheckKeys asks.
func NewSigner(t *realtime.Tenant) (*Signer, error) {
	if err := CheckKeys(t); err != nil {
		return nil, err
	}
	for _, k := range t.Auth.Keys {
		made, err := keyOf(k)
		if err != nil {
			return nil, err
		}
		if made.private != nil && !k.Ended(time.Now()) {
			return &Signer{key: made, tenant: t}, nil
		}
	}
	return nil, realtime.Errorf(realtime.CodeNotFound, "auth.keys: tenant %q has no key that can sign; add a secret or a private key", t.ID)
}

// Sign returns a token that the tenant's own Verifier accepts, with the issuer and first
// audience of the tenant's document. Claims that it would not accept are an error
// with code CodeBadRequest.
func (s *Signer) Sign(c Claims) (string, error) {
	claim := s.TenantClaim
	if claim == "" {
		claim = "tenant"
	}
	if c.Issued.IsZero() {
		c.Issued = time.Now()
	}
	said := jwt.MapClaims{"sub": c.User, "exp": c.Expires.Unix(), "iat": c.Issued.Unix(), claim: s.tenant.ID}
	if len(c.Groups) > 0 {
		said["groups"] = c.Groups
	}
	if g := c.Grants; g.Len() > 0 || g.History != nil {
		said["channels"] = g
	}
	if len(c.Views.Filters) > 0 {
		said["filters"] = c.Views.Filters
	}
	if len(c.Views.Columns) > 0 {
		said["columns"] = c.Views.Columns
	}
	if len(c.Manage) > 0 {
		said["manage"] = c.Manage
	}
	if c.Role != "" {
		said["role"] = c.Role
	}
	if s.tenant.Auth.Issuer != "" {
		said["iss"] = s.tenant.Auth.Issuer
	}
	if len(s.tenant.Auth.Audience) > 0 {
		said["aud"] = s.tenant.Auth.Audience[0]
	}
	t := jwt.NewWithClaims(s.key.method, said)
	if s.key.kid != "" {
		t.Header["kid"] = s.key.kid
	}
	signed, err := t.SignedString(s.key.private)
	if err != nil {
		return "", fmt.Errorf("signing a token of tenant %q: %w", s.tenant.ID, err)
	}
	if err := readBack(signed); err != nil {
		return "", err
	}
	return signed, nil
}

// readBack reads a new token as a Verifier would.
func readBack(signed string) error {
	t, err := parse(signed)
	if err == nil {
		_, err = parseClaims(object(t.payload))
	}
	var r *refusal
	if errors.As(err, &r) {
		return realtime.Errorf(realtime.CodeBadRequest, "claims: %s %v", r.reason, r.detail)
	}
	return err
}

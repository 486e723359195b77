package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Tenant is the document of one tenant: who may sign its tokens, which pages
// may connect, the rules of its channels and its limits. A Tenant that was
// handed out is not changed; a newer document is a new value.
type Tenant struct {
	ID string `json:"-"`
	// Version orders the states of the document in its store: a larger one is newer. 0 is not known, or, to who writes
	// it, that there is none yet. Only the store sets it.
	Version int64 `json:"-"`
	// Auth says which tokens are good.
	Auth Auth `json:"auth,omitzero"`
	// Origins are the origins whose pages may connect, such as https://app.example.com;
	// "*" allows all, and a host may begin with "*." for one or more labels. With none, only pages of the
	// gateway's own host may. Clients that send no Origin are no pages and are
	// not asked.
	Origins []string `json:"origins,omitempty"`
	// Namespaces are the rules of channels by namespace; "*" is for those not named.
	Namespaces map[string]Namespace `json:"namespaces,omitempty"`
	Limits     Limits               `json:"limits,omitzero"`
	// Hooks are programs of the tenant's own that are asked over HTTP, in this order. They are checked by package document, not here.
	Hooks []Hook `json:"hooks,omitempty"`
	// Placement is "" or "own" for a topic of the tenant's own, and "pooled" for a shared one.
	Placement string `json:"placement,omitempty"`
	// Moved says that Placement has changed, and when. Who changes Placement without it cuts
	// clients off from what they missed.
	Moved *Moved `json:"moved,omitempty"`
	// Suspended refuses every connect and publish.
	Suspended bool `json:"suspended,omitempty"`
	// Deleted says that there is no such tenant any more, once and for all: a document that is merely missing may be back
	// in a moment. Tenants do not give such a document out.
	Deleted bool `json:"deleted,omitempty"`
}

// Auth says which tokens of a tenant are good.
type Auth struct {
	// Issuer is what iss has to be; empty accepts any.
	Issuer string `json:"issuer,omitempty"`
	// Audience lists what aud may be, one of which the token must name; empty accepts any.
	Audience []string `json:"audience,omitempty"`
	// Keys are the tenant's own keys.
	Keys []Key `json:"keys,omitempty"`
	// JWKSURL is where the issuer publishes its keys.
	JWKSURL string `json:"jwksUrl,omitempty"`
	// AllowQuery accepts a token in the query string, where logs and histories see it.
	AllowQuery bool `json:"allowQuery,omitempty"`
}

// Key verifies tokens, and signs them if it holds a secret or a private key.
// The algorithm is fixed here, never by the token.
type Key struct {
	KID    string `json:"kid,omitempty"`
	Alg    string `json:"alg"`              // HS256, RS256, PS256, ES256 or EdDSA
	Secret string `json:"secret,omitempty"` // HS256: the secret itself, 32 bytes or more
	PEM    string `json:"pem,omitempty"`    // the others: a PKIX public or PKCS #8 private key
	// Until is when the key ends: no token that it has signed is good from then on. Zero is never.
	Until time.Time `json:"until,omitzero"`
}

// Ended reports whether the key has ended at a moment.
func (k *Key) Ended(now time.Time) bool { return !k.Until.IsZero() && !now.Before(k.Until) }

// KeyEndedSince reports whether one of the tenant's own keys has ended after a moment, and by now.
func (t *Tenant) KeyEndedSince(moment, now time.Time) bool {
	return slices.ContainsFunc(t.Auth.Keys, func(k Key) bool { return k.Ended(now) && !k.Ended(moment) })
}

// String names the key and hides its secret.
func (k Key) String() string { return fmt.Sprintf("key %q (%s)", k.KID, k.Alg) }

// LogValue is String: a handler that writes JSON would not call that.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// OlderThan reports whether the store says that t came before other.
func (t *Tenant) OlderThan(other *Tenant) bool {
	return other != nil && t.Version != 0 && t.Version < other.Version
}

// Tenants finds tenant documents. Implementations are safe for concurrent use
// and answer from memory most of the time: it is asked for every request.
type Tenants interface {
	// Tenant returns the document of a tenant. One that is missing is an *Error
	// with CodeNotFound, or what TenantUnknown makes if the store cannot be behind; one that was deleted is what
	// TenantDeleted makes; a store that is down is one with CodeUnavailable.
	Tenant(ctx context.Context, id string) (*Tenant, error)
}

// Check refuses a document that cannot work with a Broker that keeps messages for DefaultRetention. An error has code
// CodeBadRequest and names the field. Keys are parsed by package auth, not here.
func (t *Tenant) Check() error { return t.CheckFor(DefaultRetention) }

// CheckFor is Check for a Broker whose topics keep messages for another time, which RetentionOf returns.
func (t *Tenant) CheckFor(retention time.Duration) error {
	if err := CheckTenantID(t.ID); err != nil {
		return err
	}
	for name, n := range t.Namespaces {
		if name != "*" {
			if err := checkName("namespaces", name, MaxChannelBytes, ""); err != nil {
				return err
			}
		}
		if err := n.check("namespaces."+clip(name), retention); err != nil {
			return err
		}
	}
	if t.Placement != "" && t.Placement != PlacementOwn && t.Placement != PlacementPooled {
		return Errorf(CodeBadRequest, "placement: must be own or pooled, got %q", clip(t.Placement))
	}
	if err := t.Moved.check(); err != nil {
		return err
	}
	if err := t.checkStored(); err != nil {
		return err
	}
	return t.Limits.check()
}

// Duration is a time.Duration that JSON writes as "2m".
type Duration time.Duration

// MarshalJSON writes the form of time.Duration.String.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads the form of time.ParseDuration.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("must be a duration such as \"20ms\" or \"2m\": %w", err)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("must be a duration such as \"20ms\" or \"2m\": %w", err)
	}
	*d = Duration(v)
	return nil
}

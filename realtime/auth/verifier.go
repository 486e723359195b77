package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// Options of a Verifier. The zero value works.
type Options struct {
	// Logger gets one line per refused token and per key set that could not be read; nil is silent.
	Logger *slog.Logger
	// Metrics counts refusals; nil forgets them.
	Metrics realtime.Metrics
	// TenantClaim names the claim that holds the tenant; empty is "tenant".
	TenantClaim string
	// DefaultTenant is the tenant of tokens without that claim, for a program that has
	// one; empty refuses them.
	DefaultTenant string
	// Leeway is how far nbf and iat may lie ahead of this clock: 0 is 30 s, a negative one is none.
	// exp has none.
	Leeway time.Duration
	// JWKS says how key sets are read.
	JWKS JWKSOptions
	// Revocations say which users were logged out; their older tokens are refused. It is asked at most
	// once a second for each user, and no token is good while it cannot be asked. nil: nobody is ever logged out.
	Revocations realtime.Revocations
}

// JWKSOptions say how the key sets at a tenant's jwksUrl are read. A key set is read
// when a token needs it and never otherwise.
type JWKSOptions struct {
	// Client makes the requests; nil is one that keeps no connection open. Redirects are never followed.
	// Where tenants write their own documents, give one whose dialer reaches public addresses only.
	Client *http.Client
	// Refresh is how long a key set is used before it is read again; 0 is 15 minutes. It bounds how
	// long a key serves after its issuer withdrew it.
	Refresh time.Duration
	// Floor is the least time between two readings of one key set, whatever tokens come: made-up kids delay a new key
	// by it, and a second more at most; 0 is 2 s, or 30 readings a minute. All tenants that name one URL share them.
	Floor time.Duration
	// Retry is the same after a reading that failed; 0 is 10 s.
	Retry time.Duration
	// Timeout bounds one reading, and so what a token waits; 0 is 5 s.
	Timeout time.Duration
	// Outage is how long known keys serve while the issuer does not answer; 0 is 24 hours.
	Outage time.Duration
}

// Verifier makes Principals of tokens. It is safe for concurrent use.
type Verifier struct {
	tenants realtime.Tenants
	options Options
	rings   *rings
	logouts *logouts // nil without Options.Revocations
}

// New returns a Verifier of the tokens of all tenants. Close it. tenants is asked for the tenant
// of every token that has the form of one, forged or not, so it must answer from memory,
// also that there is none. A tenant that is missing for a moment is CodeUnavailable, as tenantcache.Steady say.
func New(tenants realtime.Tenants, options Options) *Verifier {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Metrics == nil {
		options.Metrics = realtime.NoMetrics{}
	}
	if options.TenantClaim == "" {
		options.TenantClaim = "tenant"
	}
	if options.Leeway == 0 {
		options.Leeway = 30 * time.Second
	}
	options.Leeway = max(options.Leeway, 0)
	v := &Verifier{tenants: tenantcache.NewSteady(tenants), options: options, rings: newRings(options)}
	if options.Revocations != nil {
		v.logouts = newLogouts(options.Revocations, options.Logger, options.Metrics)
	}
	return v
}

// Close ends the reading of key sets and of logouts, and waits for it. Tokens that need
// what is not known are then answered with CodeUnavailable.
func (v *Verifier) Close() error {
	v.rings.fetcher.close()
	if v.logouts != nil {
		v.logouts.close()
	}
	return nil
}

// Verify returns the Principal of a token that came by a frame or any way but a
// request; VerifyRequest is for those. The code of an error (realtime.CodeOf) is CodeUnauthorized for
// every token that is not good, CodeExpired and CodeSuspended for one that is but
// for that, and CodeUnavailable when nobody can tell because the tenant's document is missing, or the issuer's keys or the
// user's logouts cannot be read. Other errors are those of Tenants.
//
// It waits for the tenant's document, the issuer's keys and the user's logouts, at most until ctx ends.
func (v *Verifier) Verify(ctx context.Context, token string) (*realtime.Principal, error) {
	return v.verify(ctx, token, nowhere)
}

// VerifyRequest returns the Principal of the token in a request, as Verify
// does. A request without one is ErrNoToken, which is not counted as a refusal.
func (v *Verifier) VerifyRequest(ctx context.Context, r *http.Request) (*realtime.Principal, error) {
	token, at, err := tokenIn(r)
	if err != nil {
		return nil, v.refused(ctx, "", err)
	}
	if at == nowhere {
		return nil, ErrNoToken
	}
	return v.verify(ctx, token, at)
}

func (v *Verifier) verify(ctx context.Context, raw string, at place) (*realtime.Principal, error) {
	c, err := v.open(ctx, raw)
	if err != nil {
		return nil, v.refused(ctx, "", err)
	}
	p, err := v.judge(ctx, c, at)
	if err != nil {
		return nil, v.refused(ctx, c.tenant.ID, err)
	}
	return p, nil
}

// claimed is a token that is not yet verified, with the tenant it claims.
type claimed struct {
	token   *token
	payload object
	tenant  *realtime.Tenant
}

// open takes a token apart as far as is needed to know whose keys to ask.
func (v *Verifier) open(ctx context.Context, raw string) (*claimed, error) {
	t, err := parse(raw)
	if err != nil {
		return nil, err
	}
	payload, err := parseObject(t.payload)
	if err != nil {
		return nil, err
	}
	id, err := tenantOf(payload, v.options.TenantClaim, v.options.DefaultTenant)
	if err != nil {
		return nil, err
	}
	c := &claimed{token: t, payload: payload}
	if c.tenant, err = v.tenant(ctx, id); err == nil {
		return c, nil
	}
	if tenantcache.IsTenantUnseen(err) && realtime.CodeOf(err) == realtime.CodeUnavailable {
		// Whoever made the name up is not asked back with a token that no document could make good.
		if c.tenant = new(realtime.Tenant); methodOf(t.alg) == nil || !v.worth(c) {
			return nil, refuse(reasonTenant, "%w", err)
		}
	}
	return nil, err
}

// judge is the order in which a token comes to be believed.
func (v *Verifier) judge(ctx context.Context, from *claimed, at place) (*realtime.Principal, error) {
	tenant := from.tenant
	if at == inQuery && !tenant.Auth.AllowQuery {
		return nil, refuse(reasonQuery, "the tenant does not allow a token in the query")
	}
	proof := proofOf(from.token)
	proof.worth = func() bool { return v.worth(from) }
	key, err := v.rings.of(tenant).find(ctx, proof)
	if err != nil {
		return nil, err
	}
	c, err := parseClaims(from.payload)
	if err != nil {
		return nil, err
	}
	if err := c.check(tenant.Auth, time.Now(), v.options.Leeway); err != nil {
		return nil, err
	}
	if tenant.Suspended {
		return nil, refuse(reasonSuspended, "user %q", c.user)
	}
	if v.logouts != nil { // last, so that only a token that is good by itself costs a reading
		if err := v.logouts.check(ctx, tenant.ID, c.user, c.issued); err != nil {
			return nil, err
		}
	}
	expires := c.expires
	if !key.until.IsZero() && key.until.Before(expires) {
		expires = key.until
	}
	return &realtime.Principal{
		Tenant: tenant.ID, User: c.user, Groups: c.groups, Grants: c.grants, Views: c.views, Manage: c.manage, Role: c.role,
		Issued: c.issued, Expires: expires,
		Credential: &realtime.Credential{
			KID: strings.Clone(from.token.kid), Alg: key.alg, Key: key.id, Issuer: c.issuer, Audience: c.audience, InQuery: at == inQuery,
		},
	}, nil
}

// worth reports whether a token would be good if its signature were: the issuer is not asked about others.
func (v *Verifier) worth(from *claimed) bool {
	c, err := parseClaims(from.payload)
	return err == nil && c.check(from.tenant.Auth, time.Now(), v.options.Leeway) == nil
}

func (v *Verifier) tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	t, err := v.tenants.Tenant(ctx, id)
	switch {
	case err == nil && t.ID == id:
		return t, nil
	case err == nil: // everything below trusts this, so it is not left to the store
		return nil, realtime.Errorf(realtime.CodeInternal, "the document of tenant %q belongs to tenant %q", id, clip(t.ID))
	case realtime.CodeOf(err) == realtime.CodeNotFound:
		r := &refusal{reason: reasonTenant, detail: fmt.Errorf("unknown tenant %q: %w", id, err)}
		if tenantcache.IsTenantUnseen(err) { // it was told that the document is missing before
			r.says = fmt.Sprintf("the token is not valid: unknown tenant %q", id)
		}
		return nil, r
	}
	return nil, fmt.Errorf("reading tenant %q: %w", id, err)
}

// refused logs and counts a refusal and returns what may be said of it outside.
// Other errors are not about the token and go to the caller.
func (v *Verifier) refused(ctx context.Context, tenant string, err error) error {
	if r := (*refusal)(nil); errors.As(err, &r) {
		v.count(ctx, tenant, r.reason, r.detail)
		return r.answer()
	}
	if IsUnknown(err) {
		why := reasonUnread
		if tenantcache.IsTenantUnseen(err) {
			why = reasonMissing
		}
		v.count(ctx, tenant, why, err)
	}
	return err
}

// count logs and counts that a token was turned away.
func (v *Verifier) count(ctx context.Context, tenant string, why reason, detail error) {
	v.options.Logger.InfoContext(ctx, "a token was refused",
		realtime.KeyTenant, tenant, realtime.KeyReason, string(why), realtime.KeyError, detail)
	v.options.Metrics.Add(realtime.CountRefusals, tenant, why, 1)
}

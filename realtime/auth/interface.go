package auth

import (
	"context"

	"github.com/tidewire/tidewire/realtime"
)

// TokenVerifier makes a Principal of a token. An error has code CodeUnauthorized,
// CodeExpired or CodeSuspended for a token that is not good, another one if nobody can
// tell. *Verifier is one; a program that knows its tokens otherwise brings its own.
type TokenVerifier interface {
	Verify(ctx context.Context, token string) (*realtime.Principal, error)
}

// RecheckBy judges a principal by a document of its tenant, which may be another one than its token was judged by, as
// Verifier.Recheck does. It does nothing if v is not able to.
func RecheckBy(ctx context.Context, v TokenVerifier, doc *realtime.Tenant, p *realtime.Principal) error {
	if r, ok := v.(interface {
		Recheck(ctx context.Context, doc *realtime.Tenant, p *realtime.Principal) error
	}); ok {
		return r.Recheck(ctx, doc, p)
	}
	return nil
}

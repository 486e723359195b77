package httpapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// OperatorsTenant is what the tokens of operators say in their claim tenant. No tenant can have this name.
const OperatorsTenant = "operators"

// NewOperators returns what verifies the tokens of operators: those that one of the keys has made and that name
// OperatorsTenant. Whoever can make such a token can do everything, since its role is a claim of the token, so a key set (jwksUrl) has to be of
// an issuer that makes them for operators alone, and needs an issuer and an audience. Close it.
func NewOperators(a realtime.Auth, o auth.Options) (*auth.Verifier, error) {
	doc := &realtime.Tenant{ID: OperatorsTenant, Auth: a}
	if err := auth.CheckKeys(doc); err != nil {
		return nil, fmt.Errorf("operators: %w", err)
	}
	if len(a.Keys) == 0 && a.JWKSURL == "" {
		return nil, errors.New("operators: must have a key or a jwksUrl")
	}
	if a.JWKSURL != "" && (a.Issuer == "" || len(a.Audience) == 0) {
		return nil, errors.New("operators: a jwksUrl needs an issuer and an audience, or its tokens for other services would be accepted here")
	}
	o.TenantClaim, o.DefaultTenant = "tenant", ""
	return auth.New(operators{doc}, o), nil
}

// NewOperatorSigner returns what signs tokens of operators, with the first of the keys that can sign.
func NewOperatorSigner(a realtime.Auth) (*auth.Signer, error) {
	return auth.NewSigner(&realtime.Tenant{ID: OperatorsTenant, Auth: a})
}

// operators is a store of the one pseudo-tenant whose users operators are.
type operators struct{ doc *realtime.Tenant }

func (o operators) Tenant(_ context.Context, id string) (*realtime.Tenant, error) {
	if id != o.doc.ID {
		return nil, tenantcache.TenantUnknown() // operators are of no tenant
	}
	return o.doc, nil
}

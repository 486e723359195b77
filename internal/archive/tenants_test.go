package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

const tenantDocuments = `{"tenants": {
	"acme":   {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "acme-0123456789abcdef0123456789abcdef"}]}},
	"shared": {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "shared-0123456789abcdef0123456789abcdef"}]}, "placement": "pooled"},
	"closed": {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "closed-0123456789abcdef0123456789abcdef"}]}, "suspended": true},
	"nobody": {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "nobody-0123456789abcdef0123456789abcdef"}]}}
}}`

func tenantsFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(tenantDocuments), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func document(t *testing.T, tenant string) *realtime.Tenant {
	t.Helper()
	tenants, err := memory.LoadTenants(strings.NewReader(tenantDocuments))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := tenants.Tenant(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	doc := *stored
	doc.Version = 0 // of that store
	return &doc
}

// signed is a token of the tenant's user ann, who may publish to prices:*.
func signed(t *testing.T, tenant string, ttl time.Duration) string {
	t.Helper()
	return signedBy(t, document(t, tenant), ttl)
}

func signedBy(t *testing.T, tenant *realtime.Tenant, ttl time.Duration) string {
	t.Helper()
	signer, err := auth.NewSigner(tenant)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{
		User: "ann", Grants: realtime.Grants{Publish: []realtime.Pattern{"prices:*"}},
		Issued: time.Now().Add(-time.Minute), Expires: time.Now().Add(ttl),
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

func TestSignerAndVerifierAgree(t *testing.T) {
	t.Parallel()
	for _, key := range []realtime.Key{
		{KID: "k1", Alg: "HS256", Secret: acmeSecret},
		{Alg: "HS256", Secret: acmeSecret},
		{KID: "k1", Alg: "RS256", PEM: privatePEM(rsaKey())},
		{KID: "k1", Alg: "PS256", PEM: privatePEM(rsaKey())},
		{KID: "k1", Alg: "ES256", PEM: privatePEM(ecKey())},
		{KID: "k1", Alg: "EdDSA", PEM: privatePEM(edKey())},
	} {
		t.Run(key.Alg+key.KID, func(t *testing.T) {
			t.Parallel()
			public := realtime.Key{KID: "public", Alg: "ES256", PEM: publicPEM(&ecKey().PublicKey)}
			tenant := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{
				Issuer: "https://login", Audience: []string{"dash", "other"}, Keys: []realtime.Key{public, key},
			}}
			signer, err := NewSigner(tenant)
			if err != nil {
				t.Fatal(err)
			}
			signer.TenantClaim = "org"
			now := time.Now().Truncate(time.Second)
			claims := Claims{
				User: "ann", Groups: []string{"fx"}, Expires: now.Add(time.Hour),
				Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:**"}, Presence: []realtime.Pattern{"board:{user}"}},
				Manage: []realtime.Manage{realtime.ManageUsers, "a part of another version"},
			}
			token, err := signer.Sign(claims)
			if err != nil {
				t.Fatal(err)
			}
			verifier, _ := newVerifier(t, directory{"acme": tenant}, Options{TenantClaim: "org"})
			got, err := verifier.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			want := &realtime.Principal{Tenant: "acme", User: "ann", Groups: claims.Groups, Grants: claims.Grants, Manage: claims.Manage, Issued: got.Issued, Expires: claims.Expires, Credential: got.Credential}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
			if age := time.Since(got.Issued); age < 0 || age > time.Minute {
				t.Errorf("issued %s ago", age)
			}
		})
	}
}

func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	tenant := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: acmeSecret}}}}
	signer, err := NewSigner(tenant)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	for want, claims := range map[string]Claims{
		"claims: sub must be 1 to 200 bytes":                           {Expires: later},
		"claims: exp is out of range":                                  {User: "ann"},
		"claims: groups [0] must be":                                   {User: "ann", Expires: later, Groups: []string{""}},
		"claims: channels publish [0] pattern: must be 1 to 200 bytes": {User: "ann", Expires: later, Grants: realtime.Grants{Publish: []realtime.Pattern{""}}},
		"claims: oversized":                                            {User: "ann", Expires: later, Groups: strings.Split(strings.Repeat(strings.Repeat("g", 200)+" ", 60), " ")},
	} {
		token, err := signer.Sign(claims)
		if token != "" || err == nil || !strings.HasPrefix(err.Error(), want) || realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("got %q, %v, want %s", token, err, want)
		}
	}
	public := []realtime.Key{{Alg: "ES256", PEM: publicPEM(&ecKey().PublicKey)}}
	if _, err := NewSigner(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: public}}); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("public keys only: %v", err)
	}
	bad := []realtime.Key{{Alg: "HS256", Secret: acmeSecret}, {Alg: "HS256"}}
	if _, err := NewSigner(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: bad}}); realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("a bad key: %v", err)
	}
}

func TestClaimedTenant(t *testing.T) {
	t.Parallel()
	signer, err := NewSigner(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: acmeSecret}}}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(Claims{User: "ann", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(token, ".")
	for name, c := range map[string]struct{ token, want string }{
		"a token": {token, "acme"}, "none": {"", ""}, "no token": {"a.b.c", ""}, "no claims": {head + ".W10.AA", ""},
		"another signature": {token[:strings.LastIndex(token, ".")] + ".AA", "acme"},
	} {
		if got := ClaimedTenant(c.token); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

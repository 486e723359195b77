package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// one is a store with a single tenant.
type one struct{ tenant *realtime.Tenant }

func (o one) Tenant(_ context.Context, id string) (*realtime.Tenant, error) {
	if id != o.tenant.ID {
		return nil, tenantcache.TenantUnknown()
	}
	return o.tenant, nil
}

func acme() *realtime.Tenant {
	return &realtime.Tenant{ID: "acme", Origins: []string{"https://*.acme.example"}, Auth: realtime.Auth{
		Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "a secret of this example, 32 bytes or more"}},
	}}
}

func Example() {
	tenant := acme()
	signer, err := auth.NewSigner(tenant)
	if err != nil {
		panic(err)
	}
	token, err := signer.Sign(auth.Claims{
		User: "ann", Groups: []string{"fx"}, Expires: time.Now().Add(time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:{group}"}},
	})
	if err != nil {
		panic(err)
	}

	verifier := auth.New(one{tenant}, auth.Options{})
	defer verifier.Close()
	p, err := verifier.Verify(context.Background(), token)
	if err != nil {
		panic(err)
	}
	fx, err := realtime.NewChannel(p.Tenant, "prices:fx")
	if err != nil {
		panic(err)
	}
	fmt.Println(p.User, p.May(realtime.ActionSubscribe, fx), p.May(realtime.ActionPublish, fx))

	_, err = verifier.Verify(context.Background(), token[:len(token)-4])
	fmt.Println(err)
	// Output:
	// ann true false
	// the token is not valid
}

func ExampleVerifier_VerifyRequest() {
	verifier := auth.New(one{acme()}, auth.Options{})
	defer verifier.Close()

	r := httptest.NewRequest(http.MethodGet, "/v1/socket", nil)
	_, err := verifier.VerifyRequest(r.Context(), r)
	fmt.Println(errors.Is(err, auth.ErrNoToken)) // a socket waits for its first frame

	r.Header.Set("Sec-WebSocket-Protocol", "tidewire.v1.json, bearer.not-a-token")
	_, err = verifier.VerifyRequest(r.Context(), r)
	fmt.Println(realtime.CodeOf(err), err)
	// Output:
	// true
	// unauthorized the token is not valid
}

func ExampleAllowOrigin() {
	r := httptest.NewRequest(http.MethodGet, "/v1/socket", nil)
	for _, page := range []string{"https://app.acme.example", "https://acme.example", "https://elsewhere.example"} {
		r.Header.Set("Origin", page)
		fmt.Println(page, auth.AllowOrigin(acme(), r))
	}
	// Output:
	// https://app.acme.example true
	// https://acme.example false
	// https://elsewhere.example false
}

func ExampleCheckKeys() {
	tenant := acme()
	tenant.Auth.Keys = append(tenant.Auth.Keys, realtime.Key{KID: "k2", Alg: "HS256", Secret: "too short"})
	fmt.Println(auth.CheckKeys(tenant))
	// Output: auth.keys[1].secret: a secret for HS256 must have at least 32 bytes, got 9
}

package auth

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// BenchmarkVerify is a whole token of usual size, parsed keys in the cache.
func BenchmarkVerify(b *testing.B) {
	claims := saying(`"iat":1700000000,"groups":["fx","rates"],"channels":{"subscribe":["prices:*","board:{user}"],"publish":["board:{user}"]}`)
	for _, c := range []struct {
		alg    string
		method jwt.SigningMethod
		kid    string
		key    any
	}{
		{"HS256", jwt.SigningMethodHS256, "k1", []byte(acmeSecret)},
		{"RS256", jwt.SigningMethodRS256, "rs", rsaKey()},
		{"ES256", jwt.SigningMethodES256, "es", ecKey()},
		{"EdDSA", jwt.SigningMethodEdDSA, "ed", edKey()},
	} {
		b.Run(c.alg, func(b *testing.B) {
			verifier := New(twoTenants(), Options{})
			defer verifier.Close()
			token := forge(c.method, c.key, `{"alg":"`+c.alg+`","typ":"JWT","kid":"`+c.kid+`"}`, claims)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefuse is what a forged token costs.
func BenchmarkRefuse(b *testing.B) {
	verifier := New(twoTenants(), Options{})
	defer verifier.Close()
	token := forge(jwt.SigningMethodHS256, []byte(globexSecret), plain, saying(""))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(b.Context(), token); err == nil {
			b.Fatal("accepted")
		}
	}
}

package auth

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/MicahParks/jwkset"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	good := string(keySet("a", "b"))
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		keys   int
		want   string // part of the error, empty for none
	}{
		{"good", says(good), 2, ""},
		{"not found", http.NotFound, 0, "answered with 404"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, 0, "answered with 302"},
		{"HTML", says("<html>"), 0, "not a JWK Set"},
		{"two documents", says(good + good), 0, "not a JWK Set"},
		{"too large", says(`{"keys":[],"x":"` + strings.Repeat("x", maxSetBytes) + `"}`), 0, "is larger than 262144 bytes"},
		{"endless", endless, 0, "is larger than 262144 bytes"},
		{"cut off", cutOff, 0, "reading the answer"},
		{"empty", says(`{"keys":[]}`), 0, "contains no key"},
		{"nothing", says(`{}`), 0, "contains no key"},
		{"a secret", says(setOf(`{"kty":"oct","alg":"HS256","kid":"s","k":"` + b64(acmeSecret) + `"}`)), 0, "contains a secret"},
		{"a secret among keys", says(setOf(ecJWK(`"kid":"a"`), `{"kty":"oct","kid":"s","k":"AA"}`)), 0, "mixes secrets"},
		{"a private key", says(setOf(ecJWK(`"kid":"a"`), ecJWK(`"kid":"b","d":"AA"`))), 0, "keys[1]: contains a private key"},
		{"one kid twice", says(setOf(ecJWK(`"kid":"a"`), ecJWK(`"kid":"a"`))), 0, `kid "a" appears twice`},
		{"too many", says(setOf(strings.Split(strings.Repeat(`{} `, maxSetKeys)+"{}", " ")...)), 0, "must have at most 100 keys, got 101"},
		{"one for signing, one for encryption", says(setOf(ecJWK(`"kid":"a"`), ecJWK(`"kid":"a","use":"enc"`))), 1, ""},
		{"one is no object", says(setOf(`"x"`, ecJWK(`"kid":"a"`), `null`)), 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(c.answer)
			defer server.Close()
			verifier, _ := newVerifier(t, nil, Options{JWKS: JWKSOptions{Client: server.Client()}})
			set, err := verifier.rings.fetcher.fetch(t.Context(), "acme", server.URL, "")
			if len(set.keys) != c.keys {
				t.Errorf("%d keys, want %d", len(set.keys), c.keys)
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 1024)); err != nil {
			return
		}
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"keys"`)
}

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// ecJWK returns a P-256 key with more members.
func ecJWK(more string) string {
	bare := string(must(json.Marshal(jwkOf(&ecKey().PublicKey, jwkset.JWKMetadataOptions{}))))
	return strings.TrimSuffix(bare, "}") + "," + more + "}"
}

// TestDefaultClient reads over the client that nil Options give, without TLS
// from loopback.
func TestDefaultClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(says(string(keySet("a"))))
	defer server.Close()
	verifier, _ := newVerifier(t, directory{"acme": outsider(server.URL)}, Options{})
	if got := codeOf(verifier.Verify(t.Context(), byIssuer("a"))); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestKeyOfJWK(t *testing.T) {
	t.Parallel()
	rsaJWK := func(about jwkset.JWKMetadataOptions) jwkset.JWKMarshal { return jwkOf(&rsaKey().PublicKey, about) }
	for _, c := range []struct {
		name string
		jwk  jwkset.JWKMarshal
		alg  string // of the key made; empty for an error
	}{
		{"RS256", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RS256", USE: "sig", KEYOPS: []jwkset.KEYOPS{"verify"}}), "RS256"},
		{"PS256", rsaJWK(jwkset.JWKMetadataOptions{ALG: "PS256"}), "PS256"},
		{"RSA that names no algorithm", rsaJWK(jwkset.JWKMetadataOptions{}), "RS256"},
		{"EC that names no algorithm", jwkOf(&ecKey().PublicKey, jwkset.JWKMetadataOptions{}), "ES256"},
		{"Ed25519 that names no algorithm", jwkset.JWKMarshal{KTY: "OKP", CRV: "Ed25519", X: b64(string(edKey().Public().(ed25519.PublicKey)))}, "EdDSA"},
		{"Ed25519", jwkOf(edKey().Public(), jwkset.JWKMetadataOptions{}), "EdDSA"},
		{"for encryption", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RS256", USE: "enc"}), ""},
		{"for encrypting", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RS256", KEYOPS: []jwkset.KEYOPS{"encrypt", "wrapKey"}}), ""},
		{"for signing only", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RS256", KEYOPS: []jwkset.KEYOPS{"sign"}}), ""},
		{"an algorithm not served", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RS512"}), ""},
		{"an encryption algorithm", rsaJWK(jwkset.JWKMetadataOptions{ALG: "RSA-OAEP"}), ""},
		{"another kind's algorithm", rsaJWK(jwkset.JWKMetadataOptions{ALG: "ES256"}), ""},
		{"HS256 of a public key", rsaJWK(jwkset.JWKMetadataOptions{ALG: "HS256"}), ""},
		{"another curve", jwkOf(&p384Key().PublicKey, jwkset.JWKMetadataOptions{}), ""},
		{"another curve called ES256", jwkOf(&p384Key().PublicKey, jwkset.JWKMetadataOptions{ALG: "ES256"}), ""},
		{"RSA 1024", jwkOf(&smallRSA().PublicKey, jwkset.JWKMetadataOptions{ALG: "RS256"}), ""},
		{"a secret that names no algorithm", jwkset.JWKMarshal{KTY: "oct", K: b64(acmeSecret)}, ""},
		{"an unknown kind", jwkset.JWKMarshal{KTY: "AKP", ALG: "ML-DSA-44"}, ""},
		{"nothing", jwkset.JWKMarshal{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, err := keyOfJWK(c.jwk)
			if (err == nil) != (c.alg != "") || k != nil && (k.alg != c.alg || k.private != nil) {
				t.Errorf("got %v, %v, want %q", k, err, c.alg)
			}
		})
	}
}

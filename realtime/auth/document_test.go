package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestCheckKeys(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 32)
	for _, c := range []struct {
		name string
		key  realtime.Key
		want string // part of the error, empty for none
	}{
		{"secret", realtime.Key{Alg: "HS256", Secret: secret}, ""},
		{"RSA", realtime.Key{Alg: "RS256", PEM: publicPEM(&rsaKey().PublicKey)}, ""},
		{"RSA private", realtime.Key{Alg: "PS256", PEM: privatePEM(rsaKey())}, ""},
		{"EC private", realtime.Key{Alg: "ES256", PEM: "\n" + privatePEM(ecKey()) + "\n\n"}, ""},
		{"Ed25519", realtime.Key{Alg: "EdDSA", PEM: publicPEM(edKey().Public())}, ""},
		{"certificate", realtime.Key{Alg: "ES256", PEM: certificate()}, ""},
		{"no alg", realtime.Key{Secret: secret}, `alg: must be HS256`},
		{"none", realtime.Key{Alg: "none"}, `alg: must be HS256, RS256, PS256, ES256 or EdDSA, got "none"`},
		{"not served", realtime.Key{Alg: "HS512", Secret: secret}, `alg: must be HS256, RS256, PS256, ES256 or EdDSA, got "HS512"`},
		{"short secret", realtime.Key{Alg: "HS256", Secret: secret[1:]}, "secret: a secret for HS256 must have at least 32 bytes, got 31"},
		{"no secret", realtime.Key{Alg: "HS256"}, "secret: a secret for HS256 must have at least 32 bytes, got 0"},
		{"PEM as secret", realtime.Key{Alg: "HS256", Secret: publicPEM(&rsaKey().PublicKey)}, "secret: is PEM text"},
		{"HS256 with PEM", realtime.Key{Alg: "HS256", Secret: secret, PEM: publicPEM(&rsaKey().PublicKey)}, "pem: HS256 needs a secret instead"},
		{"RS256 with a secret", realtime.Key{Alg: "RS256", Secret: secret, PEM: publicPEM(&rsaKey().PublicKey)}, "secret: RS256 needs pem instead"},
		{"no PEM", realtime.Key{Alg: "RS256"}, "pem: contains no PEM block"},
		{"two blocks", realtime.Key{Alg: "RS256", PEM: publicPEM(&rsaKey().PublicKey) + publicPEM(&rsaKey().PublicKey)}, "pem: contains data after"},
		{"PKCS #1", realtime.Key{Alg: "RS256", PEM: pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))}, "openssl pkcs8"},
		{"not DER", realtime.Key{Alg: "RS256", PEM: pemText("PUBLIC KEY", []byte("x"))}, "pem: "},
		{"RSA 1024", realtime.Key{Alg: "RS256", PEM: publicPEM(&smallRSA().PublicKey)}, "pem: an RSA key must have 2048 to 8192 bits, got 1024"},
		{"another kind", realtime.Key{Alg: "RS256", PEM: publicPEM(&ecKey().PublicKey)}, "pem: alg: a *ecdsa.PublicKey cannot be a key of RS256"},
		{"another curve", realtime.Key{Alg: "ES256", PEM: publicPEM(&p384Key().PublicKey)}, "must be on the curve P-256"},
		{"long kid", realtime.Key{KID: strings.Repeat("k", 201), Alg: "HS256", Secret: secret}, "kid: must be at most 200 bytes, got 201"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := CheckKeys(&realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{c.key}}})
			expect(t, err, "auth.keys[0].", c.want)
		})
	}
}

func expect(t *testing.T, err error, field, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted, want %s", want)
	case want != "" && (!strings.HasPrefix(err.Error(), field) || !strings.Contains(err.Error(), want) || realtime.CodeOf(err) != realtime.CodeBadRequest):
		t.Errorf("got %v, want %s...%s", err, field, want)
	case want != "" && strings.Contains(err.Error(), "sssss"):
		t.Errorf("the error shows the secret: %v", err)
	}
}

func certificate() string {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "acme"}, NotAfter: time.Now().Add(-time.Hour)}
	return pemText("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, c, c, &ecKey().PublicKey, ecKey())))
}

func TestCheckKeysTogether(t *testing.T) {
	t.Parallel()
	key := func(kid string) realtime.Key {
		return realtime.Key{KID: kid, Alg: "HS256", Secret: strings.Repeat("s", 32)}
	}
	expect(t, CheckKeys(&realtime.Tenant{Auth: realtime.Auth{Keys: []realtime.Key{key(""), key("")}}}), "", "")
	expect(t, CheckKeys(&realtime.Tenant{Auth: realtime.Auth{Keys: []realtime.Key{key("a"), key("b"), key("a")}}}), "auth.keys[2].kid", `"a" appears twice, also in auth.keys[0]`)
	expect(t, CheckKeys(&realtime.Tenant{Auth: realtime.Auth{Keys: slices.Repeat([]realtime.Key{key("")}, 33)}}), "auth.keys", "must be at most 32 keys, got 33")
	for url, want := range map[string]string{
		"https://login.example.com/keys":         "",
		"http://127.0.0.1:9000/keys":             "",
		"http://[::1]/keys":                      "",
		"http://localhost:9000/keys":             "",
		"http://login.example.com/keys":          "must begin with https://",
		"http://localhost.evil/keys":             "must begin with https://",
		"http://169.254.169.254/":                "must begin with https://",
		"file:///etc/passwd":                     "must be an absolute URL",
		"/keys":                                  "must be an absolute URL",
		"https://ann:pw@login.example.com/keys":  "must not contain a user",
		"https://a/" + strings.Repeat("x", 2048): "at most 2048 bytes",
		"https://login.example.com/keys\x00":     "must be an absolute URL",
		"gopher://127.0.0.1/keys":                "must begin with https://",
	} {
		expect(t, CheckKeys(&realtime.Tenant{Auth: realtime.Auth{JWKSURL: url}}), "auth.jwksUrl: ", want)
	}
}

// TestBadKeysDoNotVerify shows that a stored document with a bad key works but for that key.
func TestBadKeysDoNotVerify(t *testing.T) {
	t.Parallel()
	short := "short"
	tenants := directory{"acme": {ID: "acme", Auth: realtime.Auth{JWKSURL: "http://192.0.2.1/", Keys: []realtime.Key{
		{KID: "bad", Alg: "HS256", Secret: short},
		{KID: "k1", Alg: "HS256", Secret: acmeSecret},
		{KID: "k1", Alg: "HS256", Secret: globexSecret},
	}}}}
	verifier, seen := newVerifier(t, tenants, Options{})
	sign := func(kid, secret string) string {
		key, err := newKey(kid, "HS256", []byte(acmeSecret))
		if err != nil {
			t.Fatal(err)
		}
		return forge(key.method, []byte(secret), fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid), saying(""))
	}
	for _, c := range []struct {
		kid, secret string
		want        realtime.Code
	}{{"k1", acmeSecret, ""}, {"bad", short, realtime.CodeUnauthorized}, {"k1", globexSecret, realtime.CodeUnauthorized}} {
		if got := codeOf(verifier.Verify(t.Context(), sign(c.kid, c.secret))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.kid, got, c.want)
		}
	}
	errors := slices.DeleteFunc(seen.lines(t), func(m map[string]any) bool { return m["level"] != "ERROR" })
	if len(errors) != 3 {
		t.Errorf("logged %v, want a line for each of the two keys and for the URL", errors)
	}
	if strings.Contains(seen.log.String(), short+`"`) {
		t.Errorf("the log shows a secret: %s", seen.log.String())
	}
}

func TestCheckRSA(t *testing.T) {
	t.Parallel()
	// 65537 to some power modulo the product of the primes has the structure.
	product := big.NewInt(1)
	for p := int64(3); p <= 167; p += 2 {
		if big.NewInt(p).ProbablyPrime(0) {
			product.Mul(product, big.NewInt(p))
		}
	}
	weak := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), product)
	weak.Add(weak, new(big.Int).Lsh(product, 1900))
	for _, c := range []struct {
		name string
		key  rsa.PublicKey
		want string
	}{
		{"usual", rsa.PublicKey{N: rsaKey().N, E: 65537}, ""},
		{"faulty generator", rsa.PublicKey{N: weak, E: 65537}, "CVE-2017-15361"},
		{"exponent 1", rsa.PublicKey{N: rsaKey().N, E: 1}, "must be odd and at least 3, got 1"},
		{"even exponent", rsa.PublicKey{N: rsaKey().N, E: 65536}, "must be odd and at least 3, got 65536"},
		{"too large", rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8192), E: 65537}, "got 8193"},
	} {
		err := checkRSA(&c.key)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestWithoutKid shows which keys serve a token without a kid, and that a key
// without one serves no other.
func TestWithoutKid(t *testing.T) {
	t.Parallel()
	var keys []realtime.Key
	secret := func(n int) string { return fmt.Sprint(n, strings.Repeat("-", minSecretBytes)) }
	for n := range maxTries + 1 {
		keys = append(keys, realtime.Key{Alg: "HS256", Secret: secret(n)})
	}
	keys[1].KID = "k1"
	keys = append([]realtime.Key{{Alg: "EdDSA", PEM: publicPEM(edKey().Public())}}, keys...) // another algorithm is no try
	verifier, _ := newVerifier(t, directory{"acme": {ID: "acme", Auth: realtime.Auth{Keys: keys}}}, Options{})
	for _, c := range []struct {
		header string
		key    int
		want   realtime.Code
	}{
		{`{"alg":"HS256"}`, 0, ""},
		{`{"alg":"HS256"}`, 1, ""},
		{`{"alg":"HS256"}`, maxTries - 1, ""},
		{`{"alg":"HS256"}`, maxTries, realtime.CodeUnauthorized},
		{`{"alg":"HS256","kid":"k1"}`, 1, ""},
		{`{"alg":"HS256","kid":"k1"}`, 0, realtime.CodeUnauthorized},
		{`{"alg":"HS256","kid":"other"}`, 0, realtime.CodeUnauthorized},
	} {
		token := forge(methodOf("HS256"), []byte(secret(c.key)), c.header, saying(""))
		if got := codeOf(verifier.Verify(t.Context(), token)); got != c.want {
			t.Errorf("%s by key %d: got %q, want %q", c.header, c.key, got, c.want)
		}
	}
}

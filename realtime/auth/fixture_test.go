package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// directory is a store of tenant documents.
type directory map[string]*realtime.Tenant

func (d directory) Tenant(_ context.Context, id string) (*realtime.Tenant, error) {
	if t, ok := d[id]; ok {
		return t, nil
	}
	return nil, tenantcache.TenantUnknown()
}

// witness records what a Verifier logs and counts.
type witness struct {
	realtime.NoMetrics
	mu      sync.Mutex // guards what follows
	log     bytes.Buffer
	refused []string // tenant/reason
}

func (w *witness) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *witness) Add(c realtime.Counter, tenant string, reason realtime.Reason, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		w.refused = append(w.refused, fmt.Sprintf("%s %s/%s", c, tenant, reason))
	}
}

func (w *witness) lines(t *testing.T) []map[string]any {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// newVerifier returns a Verifier that is closed with the test, and what it says.
func newVerifier(t *testing.T, tenants realtime.Tenants, o Options) (*Verifier, *witness) {
	t.Helper()
	w := new(witness)
	o.Logger, o.Metrics = slog.New(slog.NewJSONHandler(w, nil)), w
	v := New(tenants, o)
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v, w
}

const (
	acmeSecret   = "acme-0123456789-0123456789-012345"
	globexSecret = "globex-0123456789-0123456789-0123"
)

// One key pair of each kind serves all tests: making an RSA key takes a while.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	smallRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Key  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func privatePEM(key any) string {
	return pemText("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

func publicPEM(key any) string {
	return pemText("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key)))
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// acme has one key of every algorithm, globex a secret.
func twoTenants() directory {
	return directory{
		"acme": {ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{
			{KID: "k1", Alg: "HS256", Secret: acmeSecret},
			{KID: "rs", Alg: "RS256", PEM: publicPEM(&rsaKey().PublicKey)},
			{KID: "ps", Alg: "PS256", PEM: publicPEM(&rsaKey().PublicKey)},
			{KID: "es", Alg: "ES256", PEM: publicPEM(&ecKey().PublicKey)},
			{KID: "ed", Alg: "EdDSA", PEM: publicPEM(edKey().Public())},
		}}},
		"globex": {ID: "globex", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "g1", Alg: "HS256", Secret: globexSecret}}}},
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any header and payload, sound or not.
func forge(method jwt.SigningMethod, key any, header, payload string) string {
	return forgeSegments(method, key, b64(header), b64(payload))
}

func forgeSegments(method jwt.SigningMethod, key any, header, payload string) string {
	signed := header + "." + payload
	return signed + "." + b64(string(must(method.Sign(signed, key))))
}

// byAcme signs with acme's secret k1.
func byAcme(header, payload string) string {
	return forge(jwt.SigningMethodHS256, []byte(acmeSecret), header, payload)
}

// plain is the header of a token that acme's secret signs.
const plain = `{"alg":"HS256","typ":"JWT","kid":"k1"}`

// saying returns claims that are good but for what more says; a member of more
// replaces the usual one of its name.
func saying(more string) string {
	said := map[string]json.RawMessage{
		"tenant": json.RawMessage(`"acme"`),
		"sub":    json.RawMessage(`"ann"`),
		"exp":    json.RawMessage(fmt.Sprint(time.Now().Add(time.Hour).Unix())),
	}
	if err := json.Unmarshal([]byte("{"+more+"}"), &said); err != nil {
		panic(err)
	}
	return string(must(json.Marshal(said)))
}

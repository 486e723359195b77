package auth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tidewire/tidewire/realtime"
)

// FuzzVerify signs whatever header and payload come, and also takes them as
// they are. What is accepted must be accepted by the library's own parser too, which is less
// strict, and make a Principal within every bound; what is refused has the one flat answer.
func FuzzVerify(f *testing.F) {
	const forever = `"exp":4102444800`
	f.Add(plain, saying(forever), "")
	f.Add(`{"alg":"HS256"}`, saying(forever+`,"groups":["fx"],"channels":{"subscribe":["prices:*"]},"nbf":1.5`), "")
	f.Add(`{"alg":"none"}`, saying(forever), ".")
	f.Add(`{"alg":"HS256","kid":"k1","crit":["x"]}`, `{"tenant":"acme"}`, "a.b.c")
	tenants := twoTenants()
	verifier := New(tenants, Options{})
	f.Cleanup(func() { verifier.Close() })
	loose := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithLeeway(time.Minute))
	f.Fuzz(func(t *testing.T, header, payload, raw string) {
		for _, token := range []string{raw, byAcme(header, payload)} {
			p, err := verifier.Verify(t.Context(), token)
			if err != nil {
				if code := realtime.CodeOf(err); code != realtime.CodeUnauthorized && code != realtime.CodeExpired || strings.Contains(err.Error(), ":") {
					t.Fatalf("%v (%s)", err, code)
				}
				continue
			}
			if _, err := loose.Parse(token, func(*jwt.Token) (any, error) { return []byte(acmeSecret), nil }); err != nil {
				t.Fatalf("the library refuses what was accepted: %v", err)
			}
			patterns := len(p.Grants.Subscribe) + len(p.Grants.Publish) + len(p.Grants.Presence)
			if p.Tenant != "acme" || p.User == "" || len(p.User) > realtime.MaxIDBytes || len(p.Groups) > MaxGroups || patterns > MaxPatterns {
				t.Fatalf("accepted as %+v", p)
			}
		}
	})
}

// FuzzAllowOrigin holds a pattern to what it says, whatever a page calls itself.
func FuzzAllowOrigin(f *testing.F) {
	for _, s := range []string{"https://x.example.com", "https://evil/.example.com", "https://evil\\.example.com", "https://[::1]", "https://a@x.example.com", "https://%2eexample.com"} {
		f.Add(s)
	}
	tenant := &realtime.Tenant{Origins: []string{"https://*.example.com"}}
	f.Fuzz(func(t *testing.T, page string) {
		if !AllowOrigin(tenant, &http.Request{Header: http.Header{"Origin": {page}}}) {
			return
		}
		host, ok := strings.CutPrefix(strings.ToLower(page), "https://")
		if !ok || !strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":"), ".example.com") || strings.ContainsAny(host, "/\\@?#") {
			t.Fatalf("allowed %q", page)
		}
	})
}

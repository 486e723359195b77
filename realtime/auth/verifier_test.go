package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

func TestVerifyAlgorithms(t *testing.T) {
	t.Parallel()
	verifier, _ := newVerifier(t, twoTenants(), Options{})
	for _, c := range []struct {
		name, header string
		method       jwt.SigningMethod
		key          any
	}{
		{"HS256", `{"alg":"HS256","kid":"k1"}`, jwt.SigningMethodHS256, []byte(acmeSecret)},
		{"RS256", `{"alg":"RS256","kid":"rs"}`, jwt.SigningMethodRS256, rsaKey()},
		{"PS256", `{"alg":"PS256","kid":"ps"}`, jwt.SigningMethodPS256, rsaKey()},
		{"ES256", `{"alg":"ES256","kid":"es"}`, jwt.SigningMethodES256, ecKey()},
		{"EdDSA", `{"alg":"EdDSA","kid":"ed"}`, jwt.SigningMethodEdDSA, edKey()},
		{"no kid", `{"alg":"ES256"}`, jwt.SigningMethodES256, ecKey()},
		{"empty kid", `{"alg":"ES256","kid":""}`, jwt.SigningMethodES256, ecKey()},
		{"access token", `{"alg":"HS256","kid":"k1","typ":"application/AT+JWT"}`, jwt.SigningMethodHS256, []byte(acmeSecret)},
		{"spaces in JSON", " {\n\t\"alg\" : \"HS256\" , \"kid\":\"k1\" } ", jwt.SigningMethodHS256, []byte(acmeSecret)},
		{"a brought key is not looked at", `{"alg":"HS256","kid":"k1","jwk":{"kty":"oct","k":"AA"},"x5c":["AA"],"jku":7}`, jwt.SigningMethodHS256, []byte(acmeSecret)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := verifier.Verify(t.Context(), forge(c.method, c.key, c.header, saying("")))
			if err != nil {
				t.Fatal(err)
			}
			if p.Tenant != "acme" || p.User != "ann" {
				t.Errorf("got %s of %s", p.User, p.Tenant)
			}
		})
	}
}

func TestVerifyPrincipal(t *testing.T) {
	t.Parallel()
	tenants := twoTenants()
	tenants["acme"].Auth.Issuer, tenants["acme"].Auth.Audience = "https://login.example.com", []string{"dashboards", "other"}
	verifier, _ := newVerifier(t, tenants, Options{TenantClaim: "https://example.com/tenant"})
	issued := time.Now().Add(-time.Minute).Truncate(time.Second)
	expires := issued.Add(time.Hour)
	claims := map[string]any{
		"https://example.com/tenant": "acme", "tenant": 7, "sub": "ann:*{user}\u00e9\U0001F30A", "groups": []string{"fx", "a b"},
		"iss": "https://login.example.com", "aud": []string{"x", "dashboards"}, "name": nil,
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": float64(expires.Unix()) + 0.5,
		"channels": map[string]any{"subscribe": []string{"prices:*", "board:{user}"}, "publish": nil, "other": 1},
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims))
	token.Header["kid"] = "k1"
	got, err := verifier.Verify(t.Context(), must(token.SignedString([]byte(acmeSecret))))
	if err != nil {
		t.Fatal(err)
	}
	want := &realtime.Principal{
		Tenant: "acme", User: "ann:*{user}\u00e9\U0001F30A", Groups: []string{"fx", "a b"},
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:*", "board:{user}"}},
		Issued: issued, Expires: expires.Add(500 * time.Millisecond),
		Credential: &realtime.Credential{KID: "k1", Alg: "HS256", Key: got.Credential.Key, Issuer: "https://login.example.com", Audience: []string{"x", "dashboards"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
}

func TestVerifyDefaultTenant(t *testing.T) {
	t.Parallel()
	verifier, _ := newVerifier(t, twoTenants(), Options{DefaultTenant: "acme", TenantClaim: "org"})
	if _, err := verifier.Verify(t.Context(), byAcme(plain, saying(""))); err != nil {
		t.Error(err)
	}
	if _, err := verifier.Verify(t.Context(), byAcme(plain, saying(`"org":""`))); realtime.CodeOf(err) != realtime.CodeUnauthorized {
		t.Errorf("an empty claim is no absent one: %v", err)
	}
}

// TestVerifyTime pins each edge to the millisecond.
func TestVerifyTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		verifier, _ := newVerifier(t, twoTenants(), Options{})
		strict, _ := newVerifier(t, twoTenants(), Options{Leeway: -1})
		const form = `"exp":946684900,"nbf":946684830,"iat":946684830` // the bubble begins at 946684800
		token := byAcme(plain, saying(form))
		for _, c := range []struct {
			after        time.Duration
			want, strict realtime.Code
		}{
			{0, "", realtime.CodeUnauthorized},
			{30*time.Second - time.Millisecond, "", realtime.CodeUnauthorized},
			{30 * time.Second, "", ""},
			{100*time.Second - time.Millisecond, "", ""},
			{100 * time.Second, realtime.CodeExpired, realtime.CodeExpired},
			{24 * time.Hour, realtime.CodeExpired, realtime.CodeExpired},
		} {
			time.Sleep(time.Until(time.Unix(946684800, 0).Add(c.after)))
			if got := codeOf(verifier.Verify(t.Context(), token)); got != c.want {
				t.Errorf("after %s: %q, want %q", c.after, got, c.want)
			}
			if got := codeOf(strict.Verify(t.Context(), token)); got != c.strict {
				t.Errorf("without leeway, after %s: %q, want %q", c.after, got, c.strict)
			}
		}
		early, _ := newVerifier(t, twoTenants(), Options{})
		soon := byAcme(plain, saying(`"exp":4102444800,"nbf":`+secondsAhead(30)))
		if got := codeOf(early.Verify(t.Context(), soon)); got != "" {
			t.Errorf("nbf 30 s ahead: %q", got)
		}
		late := byAcme(plain, saying(`"exp":4102444800,"nbf":`+secondsAhead(31)))
		if got := codeOf(early.Verify(t.Context(), late)); got != realtime.CodeUnauthorized {
			t.Errorf("nbf 31 s ahead: %q", got)
		}
	})
}

func codeOf(_ *realtime.Principal, err error) realtime.Code {
	if err == nil {
		return ""
	}
	return realtime.CodeOf(err)
}

func TestVerifyRequest(t *testing.T) {
	t.Parallel()
	tenants := twoTenants()
	open := *tenants["globex"]
	open.Auth.AllowQuery = true
	tenants["globex"] = &open
	verifier, seen := newVerifier(t, tenants, Options{})
	acme := byAcme(plain, saying(""))
	globex := forge(jwt.SigningMethodHS256, []byte(globexSecret), `{"alg":"HS256","kid":"g1"}`, saying(`"tenant":"globex"`))
	verify := func(url string, header ...string) realtime.Code {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return codeOf(verifier.VerifyRequest(t.Context(), r))
	}
	if got := verify("/", "Sec-WebSocket-Protocol", "tidewire.v1.json, bearer."+acme); got != "" {
		t.Errorf("subprotocol: %q", got)
	}
	if got := verify("/", "Authorization", "bearer  "+acme); got != "" {
		t.Errorf("header: %q", got)
	}
	if got := verify("/?token=" + globex); got != "" {
		t.Errorf("query, allowed: %q", got)
	}
	if len(seen.refused) > 0 {
		t.Errorf("refused: %v", seen.refused)
	}
	if got := verify("/?token=" + acme); got != realtime.CodeUnauthorized {
		t.Errorf("query, not allowed: %q", got)
	}
	if got := verify("/?token="+acme, "Authorization", "Bearer "+acme); got != realtime.CodeUnauthorized {
		t.Errorf("in the query as well: %q", got)
	}
	if got := verify("/", "Authorization", "Bearer "+acme, "Sec-WebSocket-Protocol", "bearer."+globex); got != realtime.CodeUnauthorized {
		t.Errorf("two tokens: %q", got)
	}
	want := []string{"refusals acme/query", "refusals acme/query", "refusals /two-tokens"}
	if diff := cmp.Diff(want, seen.refused); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	_, err := verifier.VerifyRequest(t.Context(), httptest.NewRequest(http.MethodGet, "/", nil))
	if !errors.Is(err, ErrNoToken) || len(seen.refused) != len(want) {
		t.Errorf("no token: %v, %v", err, seen.refused)
	}
}

// broken is a store that cannot answer, or answers with a wrong document.
type broken struct {
	doc *realtime.Tenant
	err error
}

func (b broken) Tenant(context.Context, string) (*realtime.Tenant, error) { return b.doc, b.err }

func TestVerifyBrokenStore(t *testing.T) {
	t.Parallel()
	token := byAcme(plain, saying(""))
	for _, c := range []struct {
		name  string
		store broken
		want  realtime.Code
	}{
		{"down", broken{err: realtime.Errorf(realtime.CodeUnavailable, "the store is down")}, realtime.CodeUnavailable},
		{"other error", broken{err: errors.New("odd")}, realtime.CodeInternal},
		{"another tenant's document", broken{doc: &realtime.Tenant{ID: "globex", Auth: twoTenants()["acme"].Auth}}, realtime.CodeInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			verifier, seen := newVerifier(t, c.store, Options{})
			if got := codeOf(verifier.Verify(t.Context(), token)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(seen.refused) > 0 {
				t.Errorf("counted as refusals of a token: %v", seen.refused)
			}
		})
	}
}

// A token of a tenant whose document is missing is to come back, if a document could make it good; and is refused by
// name when the tenant has been missing for long.
func TestTenantIsMissing(t *testing.T) {
	t.Parallel()
	good := byAcme(plain, `{"tenant":"acme","sub":"ann","exp":4102444800}`)
	synctest.Test(t, func(t *testing.T) {
		verifier, seen := newVerifier(t, broken{err: realtime.Errorf(realtime.CodeNotFound, "there is none")}, Options{})
		for what, token := range map[string]string{
			"expired":     byAcme(plain, `{"tenant":"acme","sub":"ann","exp":1}`),
			"without exp": byAcme(plain, `{"tenant":"acme","sub":"ann"}`),
			"without sub": byAcme(plain, `{"tenant":"acme","exp":4102444800}`),
		} {
			if _, err := verifier.Verify(t.Context(), token); realtime.CodeOf(err) != realtime.CodeUnauthorized || err.Error() != "the token is not valid" {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 24 {
			var e *realtime.Error
			if _, err := verifier.Verify(t.Context(), good); !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter <= 0 {
				t.Fatalf("got %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		want := "refusals /tenant-missing"
		if n := len(seen.refused); n != 3+24 || seen.refused[n-1] != want {
			t.Errorf("counted %v", seen.refused)
		}
		if _, err := verifier.Verify(t.Context(), good); realtime.CodeOf(err) != realtime.CodeUnauthorized || err.Error() != `the token is not valid: unknown tenant "acme"` {
			t.Errorf("after two minutes: %v", err)
		}
		for _, line := range seen.lines(t) {
			if line["level"] != "INFO" {
				t.Errorf("logged %v: made-up names would fill the log of faults", line)
			}
		}
	})
}

func secondsAhead(n int64) string { return strconv.FormatInt(time.Now().Unix()+n, 10) }

package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

const secret = "a secret of thirty-two bytes or more"

// pems returns a key pair of ES256 as JSON strings.
func pems(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	quote := func(kind string, raw []byte) string {
		text, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return quote("PRIVATE KEY", raw), quote("PUBLIC KEY", pub)
}

// Whoever puts a tenant and reads it back sees what it wrote, without secrets, and can put that again.
func TestPutTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	op := s.operator()
	private, public := pems(t)
	body := fmt.Sprintf(`{"auth":{"issuer":"https://login","audience":["dash"],"keys":[{"kid":"k1","alg":"HS256","secret":%q},{"kid":"k2","alg":"ES256","pem":%s},{"kid":"k3","alg":"ES256","pem":%s}]},
		"origins":["https://*.initech.example"],"namespaces":{"prices":{"window":10,"windowFor":"1m0s"}},"limits":{"connections":7},"placement":"own"}`, secret, private, public)
	first := s.want(http.StatusCreated, "PUT /v1/tenants/initech", op, body)
	again := s.want(http.StatusOK, "PUT /v1/tenants/initech", op, body)
	got := s.want(http.StatusOK, "GET /v1/tenants/initech", op, "")
	if first.Raw != again.Raw || first.Raw != got.Raw {
		t.Errorf("it is shown as\n%s%s%s", first.Raw, again.Raw, got.Raw)
	}
	want := fmt.Sprintf(`{"auth":{"issuer":"https://login","audience":["dash"],"keys":[{"kid":"k1","alg":"HS256"},{"kid":"k2","alg":"ES256"},{"kid":"k3","alg":"ES256","pem":%s}]},`+
		`"origins":["https://*.initech.example"],"namespaces":{"prices":{"window":10,"windowFor":"1m0s"}},"limits":{"connections":7},"placement":"own"}`+"\n", public)
	if diff := cmp.Diff(want, got.Raw); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]realtime.Topic{"tw-initech", "tw-initech"}, s.topics.made); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}

	// What is shown can be put again, and the keys still sign.
	before, err := s.tenants.Tenant(t.Context(), "initech")
	if err != nil {
		t.Fatal(err)
	}
	s.want(200, "PUT /v1/tenants/initech", op, got.Raw)
	after, err := s.tenants.Tenant(t.Context(), "initech")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("putting what is shown changes (-before +after):\n%s", diff)
	}
	s.want(200, "POST /v1/tenants/initech/tokens", op, `{"user":"ann"}`)
	if log := s.log.String(); strings.Contains(log, secret) || !strings.Contains(log, "caller=operators:olga topic=tw-initech") {
		t.Errorf("the log says %s", log)
	}

	// A key is kept under its kid and algorithm only, and what is left out is gone.
	for body, saying := range map[string]string{
		`{"auth":{"keys":[{"kid":"k9","alg":"HS256"}]}}`: "auth.keys[0].secret", `{"auth":{"keys":[{"kid":"k1","alg":"ES256"}]}}`: "auth.keys[0].pem", `{"auth":{"keys":[{"alg":"HS256"}]}}`: "auth.keys[0].secret",
	} {
		if a := s.want(400, "PUT /v1/tenants/initech", op, body); !strings.HasPrefix(a.Detail, saying) {
			t.Errorf("%s: %s", body, a.Raw)
		}
	}
	if a := s.want(200, "PUT /v1/tenants/initech", op, `{}`); a.Raw != "{}\n" {
		t.Errorf("an empty document: %s", a.Raw)
	}
	if a := s.want(200, "GET /v1/tenants", op, ""); !cmp.Equal(a.Tenants, []string{"acme", "closed", "globex", "initech"}) || a.Next != "" {
		t.Errorf("the tenants are %s", a.Raw)
	}
	if a := s.want(200, "GET /v1/tenants?limit=2&after=acme", op, ""); !cmp.Equal(a.Tenants, []string{"closed", "globex"}) || a.Next != "globex" {
		t.Errorf("the second page is %s", a.Raw)
	}
	s.want(400, "GET /v1/tenants?limit=0", op, "")
}

// An answer says what became of the document, also where only a secret has changed.
func TestChangeIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	op := s.operator()
	key := func(secret string) string {
		return `{"auth":{"keys":[{"kid":"k1","alg":"HS256","secret":"` + secret + `"}]},"namespaces":{"prices":{"windowFor":"60s"}}}`
	}
	for _, step := range []struct{ what, body, want string }{
		{"PUT /v1/tenants/initech", key(secret), "created"},
		{"PUT /v1/tenants/initech", key(secret), "unchanged"},
		{"PUT /v1/tenants/initech", key(secret + "!"), "changed"},
		{"PUT /v1/tenants/initech", `{"auth":{"keys":[{"kid":"k1","alg":"HS256"}]},"namespaces":{"prices":{"windowFor":"1m"}}}`, "unchanged"},
		{"POST /v1/tenants/initech/suspend", "", "changed"},
		{"POST /v1/tenants/initech/suspend", "", "unchanged"},
		{"PUT /v1/tenants/initech", `{"auth":{"keys":[{"kid":"k1","alg":"HS256"}]},"namespaces":{"prices":{"windowFor":"1m"}}}`, "unchanged"},
		{"POST /v1/tenants/initech/resume", "", "changed"},
		{"POST /v1/tenants/initech/resume", "", "unchanged"},
		{"PUT /v1/tenants/initech", `{"placement":"pooled"}`, "changed"},
	} {
		a := s.call(step.what, op, step.body)
		if got := a.Header.Get(httpapi.ChangeHeader); got != step.want {
			t.Errorf("%s %s: %d, %q, want %q", step.what, step.body, a.Status, got, step.want)
		}
	}
}

// The topic that is made is the one that the tenant is placed on.
func TestPutPooledTenant(t *testing.T) {
	t.Parallel()
	placement := realtime.Placed(1)
	s := start(t, func(o *httpapi.Options) { o.Placement = placement })
	s.want(http.StatusCreated, "PUT /v1/tenants/initech", s.operator(), `{"placement":"pooled"}`)
	s.want(http.StatusCreated, "PUT /v1/tenants/hooli", s.operator(), `{"placement":"own"}`)
	if diff := cmp.Diff([]realtime.Topic{realtime.PooledTopic(0), "tw-hooli"}, s.topics.made); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

func TestPutTenantRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct{ name, body, saying string }{
		{"initech", `{"limits":{"conections":1},"origin":[]}`, "limits.conections: unknown field; origin: unknown field"},
		{"initech", `{"ID":"acme"}`, "ID: unknown field"},
		{"initech", `{"limits":{"connections":-1}}`, "limits.connections: must not be negative"},
		{"initech", `{"limits":{"connections":"many"}}`, "limits.connections: must be a whole number"},
		{"initech", `{"origins":["a b"]}`, "origins[0]"},
		{"initech", `{"placement":"moon"}`, "placement:"},
		{"initech", `{"limits":{"connections":-1},"origins":["a b"],"auth":{"keys":[{"alg":"HS256","secret":"short"}]}}`, "limits.connections: must not be negative; auth.keys[0].secret: a secret for HS256 must have at least 32 bytes, got 5; origins[0]"},
		{"initech", `{"auth":{"keys":[{"alg":"none"}]}}`, "auth.keys[0].alg"},
		{"initech", `{"auth":{"jwksUrl":"http://elsewhere"}}`, "auth.jwksUrl"},
		{"initech", `{"suspended":"yes"}`, "suspended: must be true or false, got a string"},
		{"initech", `[]`, "body: must be an object"},
		{"initech", ``, "Content-Type"},
		{"Initech", `{}`, "tenant:"},
		{httpapi.OperatorsTenant, `{}`, `tenant: "operators" is reserved for operators`},
	} {
		a := s.call("PUT /v1/tenants/"+c.name, s.operator(), c.body)
		if a.Status != 400 && a.Status != 415 || !strings.Contains(a.Detail, c.saying) {
			t.Errorf("%s: %d %s, want %s", c.body, a.Status, a.Raw, c.saying)
		}
	}
	s.want(404, "GET /v1/tenants/initech", s.operator(), "")
	if len(s.topics.made) > 0 {
		t.Errorf("topics were made: %v", s.topics.made)
	}
	// Without its topic no tenant is written.
	for fail, status := range map[error]int{down(): 503, errors.New("denied"): 500} {
		s.topics.fail = fail
		s.want(status, "PUT /v1/tenants/initech", s.operator(), `{}`)
	}
	s.want(404, "GET /v1/tenants/initech", s.operator(), "")
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	s := start(t)
	op, token := s.operator(), s.token("acme", "ann", httpapi.Parts()...)
	theirs, others := s.connect("acme", "ann"), s.connect("globex", "ann")
	for range 2 {
		if a := s.want(200, "POST /v1/tenants/acme/suspend", op, ""); !a.Suspended {
			t.Errorf("suspended: %s", a.Raw)
		}
	}
	if a := s.want(403, "GET /v1/tenants/acme", token, ""); a.Code != realtime.CodeSuspended {
		t.Errorf("its own token: %s", a.Raw)
	}
	s.dial(token).closed(4403)
	theirs.closed(4403) // by the gateway, which follows the document
	others.quiet()
	// Who puts the document without a word about it leaves it suspended.
	if a := s.want(200, "PUT /v1/tenants/acme", op, `{"limits":{"connections":5}}`); !a.Suspended {
		t.Errorf("put again: %s", a.Raw)
	}
	if a := s.want(200, "PUT /v1/tenants/acme", op, `{"suspended":false}`); a.Suspended {
		t.Errorf("put as not suspended: %s", a.Raw)
	}
	s.want(200, "POST /v1/tenants/globex/suspend", op, "")
	for range 2 {
		if a := s.want(200, "POST /v1/tenants/globex/resume", op, ""); a.Suspended || !strings.Contains(a.Raw, `"kid":"k1"`) {
			t.Errorf("resumed: %s", a.Raw)
		}
	}
	s.want(200, "GET /v1/tenants/globex", s.token("globex", "ann", realtime.ManageTenant), "")
	s.want(404, "POST /v1/tenants/nowhere/suspend", op, "")
	s.want(404, "POST /v1/tenants/nowhere/resume", op, "")
}

// A token made here opens a socket, and says what was asked for.
func TestMakeToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	verifier := auth.New(s.tenants, auth.Options{})
	defer verifier.Close()
	backend, op := s.token("acme", "backend", realtime.ManageTokens), s.operator()
	a := s.want(200, "POST /v1/tenants/acme/tokens", backend, `{"user":"ann","groups":["fx"],"channels":{"subscribe":["prices:{group}"],"publish":["board:7"]},"ttl":"15m"}`)
	p, err := verifier.Verify(t.Context(), a.Token)
	if err != nil {
		t.Fatal(err)
	}
	want := &realtime.Principal{
		Tenant: "acme", User: "ann", Groups: []string{"fx"},
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:{group}"}, Publish: []realtime.Pattern{"board:7"}},
		Issued: p.Issued, Expires: p.Expires, Credential: p.Credential,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if left := time.Until(p.Expires); left > 15*time.Minute || left < 14*time.Minute || !a.ExpiresAt.Equal(p.Expires) || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("it lasts %s, %s, %q", left, a.ExpiresAt, a.Header)
	}
	s.dial(a.Token).expect("welcome", "")
	if a := s.want(200, "POST /v1/tenants/acme/tokens", backend, `{"user":"ann"}`); time.Until(a.ExpiresAt) > time.Hour || time.Until(a.ExpiresAt) < 59*time.Minute {
		t.Errorf("by default it lasts until %s", a.ExpiresAt)
	}
	managing := s.want(200, "POST /v1/tenants/acme/tokens", op, `{"user":"backend","manage":["users","tenant"]}`).Token
	s.want(200, "GET /v1/tenants/acme", managing, "")
	s.want(403, "GET /v1/tenants/acme/connections", managing, "")
	if strings.Contains(s.log.String(), a.Token) {
		t.Error("the log holds a token")
	}
	for _, c := range []struct {
		token, body string
		status      int
		saying      string
	}{
		{backend, `{"user":"ann","manage":["users"]}`, 403, "only operators"},
		{op, `{"user":"ann","manage":["everything"]}`, 400, `manage[0]: must be publish, state, history, presence, demand, explain, connections, users, tokens or tenant, got "everything"`},
		{op, `{}`, 400, "sub"},
		{op, `{"user":"ann","ttl":"25h"}`, 400, "ttl: must be 1s to 24h"},
		{op, `{"user":"ann","ttl":"0s"}`, 400, "ttl:"},
		{op, `{"user":"ann","ttl":60}`, 400, "ttl: must be a duration such as"},
		{op, `{"user":"ann","channels":{"subscribe":["a**"]}}`, 400, "pattern"},
		{op, `{"user":"ann","channels":{"read":["a"]}}`, 400, "channels.read: unknown field"},
		{op, `{"user":"ann","sub":"bob"}`, 400, "sub: unknown field"},
	} {
		if a := s.call("POST /v1/tenants/acme/tokens", c.token, c.body); a.Status != c.status || !strings.Contains(a.Detail, c.saying) {
			t.Errorf("%s: %d %s, want %d %s", c.body, a.Status, a.Raw, c.status, c.saying)
		}
	}
	s.want(201, "PUT /v1/tenants/elsewhere", op, `{"auth":{"issuer":"https://login","jwksUrl":"https://login/keys"}}`)
	s.want(409, "POST /v1/tenants/elsewhere/tokens", op, `{"user":"ann"}`)
}

func TestNewOperatorsRefuses(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]realtime.Auth{
		"nothing":             {},
		"a short secret":      {Keys: []realtime.Key{{Alg: "HS256", Secret: "short"}}},
		"anybody's key set":   {JWKSURL: "https://login/keys"},
		"any audience":        {JWKSURL: "https://login/keys", Issuer: "https://login"},
		"a key set over http": {JWKSURL: "http://login/keys", Issuer: "https://login", Audience: []string{"tidewire"}},
	} {
		if v, err := httpapi.NewOperators(a, auth.Options{}); err == nil {
			t.Errorf("%s is taken", name)
			_ = v.Close()
		}
	}
}

package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/survey"
)

// patience is how long a test waits for what has to come.
const patience = 10 * time.Second

// operatorKeys are what operators sign with in these tests.
func operatorKeys() realtime.Auth {
	return realtime.Auth{Keys: []realtime.Key{{KID: "op", Alg: "HS256", Secret: strings.Repeat("operator", 4)}}}
}

// service is the API beside a gateway, on memory drivers.
type service struct {
	t           testing.TB
	url         string
	tenants     *memory.Tenants
	registry    *watchedRegistry
	revocations *memory.Revocations
	topics      *topics
	states      *memory.States
	broker      *memory.Broker
	http        *http.Client
	log         *lines
	description *description
}

// tenant is a document with a key to sign tokens with, whose limits are in nobody's way.
func tenant(id string) *realtime.Tenant {
	return &realtime.Tenant{
		ID:     id,
		Auth:   realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat(id, 32)}}},
		Limits: realtime.Limits{RequestsPerSecond: 10_000, ConnectsPerSecond: 10_000, ConnectionsPerUser: 100},
	}
}

// start runs a service with the tenants acme and globex, and closed, which is suspended.
func start(t testing.TB, change ...func(*httpapi.Options)) *service {
	t.Helper()
	closed := tenant("closed")
	closed.Suspended = true
	tenants, err := memory.NewTenants(tenant("acme"), tenant("globex"), closed)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{
		t: t, tenants: tenants, registry: newWatchedRegistry(), revocations: memory.NewRevocations(), topics: &topics{}, states: memory.NewStates(), log: &lines{}, description: describe(t),
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	s.broker = broker
	verifier := auth.New(tenants, auth.Options{Revocations: s.revocations})
	operators, err := httpapi.NewOperators(operatorKeys(), auth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	limiter := limit.New(limit.Options{})
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{
		Broker: broker, Tenants: tenants, Registry: s.registry, Verifier: verifier, Limiter: limiter, DrainSpread: time.Second, Instance: "i-1", Filters: filters,
	})
	if err != nil {
		t.Fatal(err)
	}
	surveyor := survey.New(survey.Options{Broker: broker, Subscriptions: broker, Leases: s.registry})
	o := httpapi.Options{
		Survey: surveyor, Verifier: verifier, Operators: operators, Tenants: tenants, Registry: s.registry, Revocations: s.revocations,
		Publisher: g.Publisher(), Limiter: limiter, Topics: s.topics, States: s.states, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	api := httpapi.New(o)
	mux := http.NewServeMux()
	mux.Handle("/v1/", g)
	for _, path := range []string{"/v1/tenants", "/v1/tenants/", "/v1/openapi.json"} {
		mux.Handle(path, api)
	}
	server := httptest.NewServer(mux)
	s.url, s.http = server.URL, server.Client()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
		server.Close()
		if err := errors.Join(surveyor.Close(ctx), broker.Close(ctx), verifier.Close(), operators.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// token is one of a tenant's user, who may manage what parts says and read and write every channel.
func (s *service) token(tenant, user string, parts ...realtime.Manage) string {
	s.t.Helper()
	doc, err := s.tenants.Tenant(s.t.Context(), tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	return sign(s.t, doc, auth.Claims{User: user, Groups: []string{user + "s"}, Manage: parts, Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}, History: []realtime.Pattern{}}})
}

func sign(t testing.TB, doc *realtime.Tenant, c auth.Claims) string {
	t.Helper()
	signer, err := auth.NewSigner(doc)
	if err != nil {
		t.Fatal(err)
	}
	if c.Expires.IsZero() {
		c.Expires = time.Now().Add(time.Hour)
	}
	token, err := signer.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// operator is an operator's token.
func (s *service) operator(role ...realtime.Role) string {
	s.t.Helper()
	signer, err := httpapi.NewOperatorSigner(operatorKeys())
	if err != nil {
		s.t.Fatal(err)
	}
	claims := auth.Claims{User: "olga", Expires: time.Now().Add(time.Hour)}
	for _, r := range role {
		claims.Role = r
	}
	token, err := signer.Sign(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// answer is what came back, with the fields of all documents.
type answer struct {
	Status int
	Header http.Header
	Raw    string

	Code          realtime.Code            `json:"code"`
	Detail        string                   `json:"detail"`
	Limit         string                   `json:"limit"`
	ID            string                   `json:"id"`
	Connections   json.RawMessage          `json:"connections"`
	More          bool                     `json:"more"`
	Tenants       []string                 `json:"tenants"`
	Next          string                   `json:"next"`
	Token         string                   `json:"token"`
	ExpiresAt     time.Time                `json:"expiresAt"`
	RevokedBefore time.Time                `json:"revokedBefore"`
	Suspended     bool                     `json:"suspended"`
	Errors        []map[string]interface{} `json:"errors"`
}

// list returns the connections of a page.
func (a *answer) list(t testing.TB) (ids []string) {
	t.Helper()
	var docs []realtime.ConnectionDoc
	if err := json.Unmarshal(a.Connections, &docs); err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
	for _, d := range docs {
		ids = append(ids, d.ID)
	}
	return ids
}

// call makes a call, and holds its answer, and a body that was taken, against openapi.json. "METHOD /path".
func (s *service) call(what, token, body string, header ...string) answer {
	s.t.Helper()
	method, path, _ := strings.Cut(what, " ")
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, Header: res.Header, Raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a); err != nil {
			s.t.Fatalf("%s: %d is not JSON: %v\n%s", what, a.Status, err, raw)
		}
	}
	escaped, _, _ := strings.Cut(path, "?")
	if err := s.description.checkAnswer(method, escaped, a.Status, a.Header, raw); err != nil {
		s.t.Errorf("%s: the answer is not as described: %v\n%s", what, err, raw)
	}
	if a.Status < 300 && body != "" && r.Header.Get("Content-Type") == "application/json" {
		if err := s.description.checkRequest(method, escaped, "application/json", []byte(body)); err != nil {
			s.t.Errorf("%s: a body was taken that is not as described: %v\n%s", what, err, body)
		}
	}
	return a
}

// want is call with the status that has to come back.
func (s *service) want(status int, what, token, body string) answer {
	s.t.Helper()
	a := s.call(what, token, body)
	if a.Status != status {
		s.t.Fatalf("%s: %d, want %d: %s", what, a.Status, status, a.Raw)
	}
	return a
}

// down is what a store says that cannot be reached.
func down() error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the store cannot be reached", RetryAfter: 1500 * time.Millisecond, Err: fmt.Errorf("dial tcp: refused")}
}

// sample fills in the names of a route's path.
func sample(route, tenant string) string {
	return strings.NewReplacer("{tenant}", tenant, "{user}", url.PathEscape("ann"), "{group}", "anns", "{connection}", "c1", "{channel}", "x", "{key}", "k", "{kid}", "k1").Replace(route)
}

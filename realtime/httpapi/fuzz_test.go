package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// anybody is an operator, ann is connected, and what is sent is kept.
type anybody struct {
	*memory.Tenants
	sent *realtime.Publication
}

func (*anybody) Verify(context.Context, string) (*realtime.Principal, error) {
	return &realtime.Principal{Tenant: httpapi.OperatorsTenant, User: "olga"}, nil
}

func (*anybody) Connections(context.Context, string, realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	return realtime.ConnectionPage{Connections: []realtime.ConnectionDoc{{ID: "c1", User: "ann"}}}, nil
}

func (*anybody) Publish(context.Context, *realtime.Tenant, []realtime.Publication) error { return nil }

func (a *anybody) SendDirect(_ context.Context, _ *realtime.Tenant, _ realtime.Target, event *realtime.Publication) error {
	a.sent = event
	return nil
}

func (*anybody) SendClose(context.Context, *realtime.Tenant, realtime.Target, realtime.Code, time.Time) error {
	return nil
}

// operatorsToken claims to be an operator's.
const operatorsToken = "eyJhbGciOiJIUzI1NiJ9.eyJ0ZW5hbnQiOiJvcGVyYXRvcnMifQ.AA"

// FuzzBody sends any body to the calls that take one. What is taken is fit to be kept, shown without
// secrets and put again; what is refused is a problem of the caller's.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"data":{"a":[1,2]},"key":"k","tags":{"a":"b"},"id":"x"}`, `{"data":null}`, `{"data":1,"data":2}`, `{"tags":null,"data":""}`,
		`{"user":"ann","groups":["fx"],"channels":{"subscribe":["prices:*"]},"manage":["users"],"ttl":"15m"}`, `{"user":"ann","ttl":"9999999h"}`,
		`{"auth":{"keys":[{"kid":"k1","alg":"HS256","secret":"a secret of thirty-two bytes or more"},{"kid":"k","alg":"HS256"}]},"origins":["*"],"limits":{"connections":5},"suspended":true}`,
		`{"auth":{"keys":[{"kid":"k","alg":"HS256"}]},"namespaces":{"*":{"windowFor":"1m","overflow":"conflate"}},"placement":"pooled"}`,
		`null`, `[]`, `{`, "\xff", `{"":1}`, `{"\u0064ata":1}`, `{"auth":{"keys":[{"kid":"k","alg":"ES256","pem":"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"}]}}`,
	} {
		for which := range byte(3) {
			f.Add(which, body)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body string) {
		stored := tenant("acme")
		stored.Auth.Keys[0].KID = "k"
		tenants, err := memory.NewTenants(stored)
		if err != nil {
			t.Fatal(err)
		}
		a := &anybody{Tenants: tenants}
		h := httpapi.New(httpapi.Options{Operators: a, Verifier: a, Tenants: a, Registry: a, Publisher: a, Revocations: memory.NewRevocations()})
		call := func(method, path, body string) (int, string) {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+operatorsToken)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if !json.Valid(w.Body.Bytes()) || w.Code >= 500 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			return w.Code, w.Body.String()
		}
		switch which % 3 {
		case 0:
			status, _ := call(http.MethodPost, "/v1/tenants/acme/users/ann/send", body)
			if (status == 200) != (a.sent != nil) {
				t.Fatalf("answered %d, sent %v", status, a.sent)
			}
			if a.sent != nil && (a.sent.CheckFields() != nil || !json.Valid(a.sent.Data) || strings.ContainsAny(string(a.sent.Data), "\r\n")) {
				t.Errorf("sent %+v", a.sent)
			}
		case 1:
			call(http.MethodPost, "/v1/tenants/acme/tokens", body)
		case 2:
			status, shown := call(http.MethodPut, "/v1/tenants/acme", body)
			if status != 200 {
				return
			}
			if strings.Contains(shown, `"secret"`) || strings.Contains(shown, "PRIVATE") {
				t.Errorf("secrets are shown: %s", shown)
			}
			doc, err := tenants.Tenant(t.Context(), "acme")
			if err != nil || doc.Check() != nil {
				t.Fatalf("stored is %+v, %v", doc, err)
			}
			for _, k := range doc.Auth.Keys {
				if k.KID == "" {
					return // it cannot be put again without its secret
				}
			}
			if status, again := call(http.MethodPut, "/v1/tenants/acme", shown); status != 200 || again != shown {
				t.Errorf("put again: %d %s, was %s", status, again, shown)
			}
		}
	})
}

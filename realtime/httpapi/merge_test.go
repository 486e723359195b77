package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/httpapi"
)

// A patch changes what it names and nothing else, and the plan says before what it would be. No answer shows a secret.
func TestPatchTenant(t *testing.T) {
	t.Parallel()
	const (
		k1    = `{"kid":"k1","alg":"HS256","secret":"` + secret + `"}`
		k2    = `{"kid":"k2","alg":"HS256","secret":"` + secret + `2"}`
		bare  = `{"alg":"HS256","secret":"` + secret + `3"}`
		first = `{"auth":{"issuer":"x","keys":[` + k1 + `,` + k2 + `,` + bare + `]},"origins":["https://a.example"],"limits":{"connections":5,"queueBytes":2000000},"namespaces":{"a":{"window":1},"b":{"window":2}},"suspended":true}`
	)
	for name, tt := range map[string]struct {
		patch, query string
		changes      []string
		kept         []string
	}{
		"nothing":         {patch: `{}`},
		"a limit":         {patch: `{"limits":{"connections":7}}`, changes: []string{`limits.connections 5 7`}},
		"a limit no more": {patch: `{"limits":{"connections":null}}`, changes: []string{`limits.connections 5 null`}},
		"a namespace":     {patch: `{"namespaces":{"b":null,"c":{"tick":"1s"}}}`, changes: []string{`namespaces.b.window 2 null`, `namespaces.c.tick null "1s"`}},
		"origins":         {patch: `{"origins":["*"]}`, changes: []string{`origins ["https://a.example"] ["*"]`}},
		"resumed":         {patch: `{"suspended":false}`, changes: []string{`suspended true null`}},
		"a key more": {
			patch: `{"auth":{"keys":[{"kid":"k9","alg":"HS256","secret":"` + secret + `9"}]}}`, changes: []string{`auth.keys.k9 null {"kid":"k9","alg":"HS256"}`}, kept: []string{"k1", "k2", "[2]"},
		},
		"a key that is there":   {patch: `{"auth":{"keys":[{"kid":"k2","alg":"HS256"}]}}`, kept: []string{"k1", "[1]"}},
		"another secret":        {patch: `{"auth":{"keys":[{"kid":"k2","alg":"HS256","secret":"` + secret + `9"}]}}`, changes: []string{`auth.keys.k2 {"kid":"k2","alg":"HS256"} {"kid":"k2","alg":"HS256"} secret`}, kept: []string{"k1", "[1]"}},
		"all keys, in an order": {patch: `{"auth":{"keys":[` + bare + `,{"kid":"k2","alg":"HS256"},{"kid":"k1","alg":"HS256"}]}}`, changes: []string{`auth.keys ["k1","k2"] ["k2","k1"]`}},
		"the issuer alone":      {patch: `{"auth":{"issuer":"y"}}`, changes: []string{`auth.issuer "x" "y"`}},
		"no keys":               {patch: `{"auth":{"keys":null}}`, changes: []string{`auth.keys.[2] {"alg":"HS256"} null`, `auth.keys.k1 {"kid":"k1","alg":"HS256"} null`, `auth.keys.k2 {"kid":"k2","alg":"HS256"} null`}},
		"pruned": {
			patch: `{"auth":{"keys":[{"kid":"k1","alg":"HS256"}]},"limits":{"connections":5}}`, query: "&prune=true",
			changes: []string{
				`auth.issuer "x" null`, `auth.keys.[2] {"alg":"HS256"} null`, `auth.keys.k2 {"kid":"k2","alg":"HS256"} null`, `limits.queueBytes 2000000 null`,
				`namespaces.a.window 1 null`, `namespaces.b.window 2 null`, `origins ["https://a.example"] null`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			op := s.operator()
			tag := s.want(201, "PUT /v1/tenants/initech", op, first).Header.Get("ETag")
			a := s.want(200, "PATCH /v1/tenants/initech?dryRun=true"+tt.query, op, tt.patch)
			if a.Header.Get("ETag") != tag || strings.Contains(a.Raw, secret) {
				t.Errorf("ETag %s, want %s: %s", a.Header.Get("ETag"), tag, a.Raw)
			}
			var plan httpapi.Plan
			if err := json.Unmarshal([]byte(a.Raw), &plan); err != nil {
				t.Fatal(err)
			}
			var changes []string
			for _, c := range plan.Changes {
				line := c.Field + " " + string(c.From) + " " + string(c.To)
				if c.Secret {
					line += " secret"
				}
				changes = append(changes, line)
			}
			if diff := cmp.Diff(tt.changes, changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.kept, plan.Kept); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
			if again := s.want(200, "GET /v1/tenants/initech", op, ""); again.Header.Get("ETag") != tag {
				t.Error("it was written")
			}
			did := s.call("PATCH /v1/tenants/initech?"+strings.TrimPrefix(tt.query, "&"), op, tt.patch, "If-Match", tag)
			if did.Status != 200 || did.Header.Get(httpapi.ChangeHeader) != plan.Change || strings.Contains(did.Raw, secret) {
				t.Errorf("%d %s %q", did.Status, did.Raw, did.Header)
			}
			planned, err := json.Marshal(plan.Tenant)
			if err != nil || string(planned)+"\n" != did.Raw {
				t.Errorf("planned %s, became %s", planned, did.Raw)
			}
			if changed := len(tt.changes) > 0; changed != (plan.Change == "changed") {
				t.Errorf("%s: %v", plan.Change, changes)
			}
		})
	}
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	op := s.operator()
	for _, c := range []struct {
		what, body string
		status     int
		saying     string
	}{
		{"PATCH /v1/tenants/acme", `{"limits":{"conections":5}}`, 400, "limits.conections: unknown field"},
		{"PATCH /v1/tenants/acme", `null`, 400, "body: must be an object"},
		{"PATCH /v1/tenants/acme", `{"auth":{"keys":[{"kid":"new","alg":"HS256"}]}}`, 400, "auth.keys[0].secret"},
		{"PATCH /v1/tenants/acme?dryRun=maybe", `{}`, 400, "dryRun: must be true or false"},
		{"PATCH /v1/tenants/acme?dry=true", `{}`, 400, "dry: unknown parameter"},
		{"PATCH /v1/tenants/operators", `{}`, 400, "reserved for operators"},
		{"PATCH /v1/tenants/new?dryRun=true", `{"limits":{"connections":5}}`, 200, `"change":"created"`},
	} {
		if a := s.call(c.what, op, c.body); a.Status != c.status || !strings.Contains(a.Detail+a.Raw, c.saying) {
			t.Errorf("%s %s: %d %s", c.what, c.body, a.Status, a.Raw)
		}
	}
	s.want(404, "GET /v1/tenants/new", op, "") // it was a plan
}

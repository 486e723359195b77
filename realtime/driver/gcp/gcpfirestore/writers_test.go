package gcpfirestore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// change is one of a tenant document by the management API.
type change struct {
	field        string // as Go names it
	method, path string
	body         string
	made         func(*realtime.Tenant) bool
}

const secondSecret = "the secret of a second key, of 32 bytes or more"

func changes() []change {
	patch := func(field, body string, made func(*realtime.Tenant) bool) change {
		return change{field, http.MethodPatch, "", body, made}
	}
	return []change{
		{"Suspended", http.MethodPost, "/suspend", "", func(t *realtime.Tenant) bool { return t.Suspended }},
		patch("Limits", `{"limits":{"connections":7}}`, func(t *realtime.Tenant) bool { return t.Limits.Connections == 7 }),
		patch("Limits", `{"limits":{"publishesPerSecond":9}}`, func(t *realtime.Tenant) bool { return t.Limits.PublishesPerSecond == 9 }),
		patch("Origins", `{"origins":["https://a.example"]}`, func(t *realtime.Tenant) bool { return slices.Equal(t.Origins, []string{"https://a.example"}) }),
		patch("Auth.Issuer", `{"auth":{"issuer":"https://login.example"}}`, func(t *realtime.Tenant) bool { return t.Auth.Issuer == "https://login.example" }),
		patch("Auth.Audience", `{"auth":{"audience":["dash"]}}`, func(t *realtime.Tenant) bool { return slices.Equal(t.Auth.Audience, []string{"dash"}) }),
		patch("Auth.Keys", fmt.Sprintf(`{"auth":{"keys":[{"kid":"k2","alg":"HS256","secret":%q}]}}`, secondSecret), func(t *realtime.Tenant) bool {
			return slices.ContainsFunc(t.Auth.Keys, func(k realtime.Key) bool { return k.KID == "k2" && k.Secret == secondSecret })
		}),
		patch("Auth.JWKSURL", `{"auth":{"jwksUrl":"https://login.example/keys"}}`, func(t *realtime.Tenant) bool { return t.Auth.JWKSURL == "https://login.example/keys" }),
		patch("Auth.AllowQuery", `{"auth":{"allowQuery":true}}`, func(t *realtime.Tenant) bool { return t.Auth.AllowQuery }),
		patch("Namespaces", `{"namespaces":{"prices":{"window":50}}}`, func(t *realtime.Tenant) bool { return t.Namespaces["prices"].Window == 50 }),
		patch("Namespaces", `{"namespaces":{"board":{"overflow":"conflate"}}}`, func(t *realtime.Tenant) bool { return t.Namespaces["board"].Overflow == realtime.OverflowConflate }),
		patch("Hooks", `{"hooks":[{"name":"crm","url":"https://crm.example/hook","on":["connect"],"secrets":["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]}]}`, func(t *realtime.Tenant) bool {
			return len(t.Hooks) == 1 && t.Hooks[0].Name == "crm" && len(t.Hooks[0].Secrets) == 1
		}),
		patch("Placement", `{"placement":"pooled"}`, func(t *realtime.Tenant) bool { return t.Placement == realtime.PlacementPooled && t.Moved != nil }),
	}
}

// TestTwoInstancesLoseNoWrite: two instances of the management API on the emulator, each with a memory of its own. One
// changes a field, and then the other, which has read the document before, another one; for every field of the
// document by every other. Both changes are stored, and who writes a whole document that he read before is refused.
func TestTwoInstancesLoseNoWrite(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	operators := realtime.Auth{Keys: []realtime.Key{{KID: "op", Alg: "HS256", Secret: strings.Repeat("operator", 4)}}}
	verifier, err := httpapi.NewOperators(operators, auth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = verifier.Close() })
	signer, err := httpapi.NewOperatorSigner(operators)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "olga", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	var instances [2]http.Handler
	for i := range instances {
		instances[i] = httpapi.New(httpapi.Options{Tenants: tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience}), Operators: verifier})
	}
	stored := tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience})
	call := func(instance int, method, path, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/tenants/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer := httptest.NewRecorder()
		instances[instance].ServeHTTP(answer, r)
		return answer
	}
	for i, first := range changes() {
		for j, second := range changes() {
			if i == j {
				continue
			}
			id, what := fmt.Sprintf("t-%d-%d", i, j), first.body+first.path+" and then "+second.body+second.path
			if a := call(0, http.MethodPut, id, `{"auth":{"keys":[{"kid":"k1","alg":"HS256","secret":"`+strings.Repeat("first", 8)+`"}]},"limits":{"requestsPerSecond":77}}`); a.Code != http.StatusCreated {
				t.Fatal(a.Code, a.Body)
			}
			read := call(1, http.MethodGet, id, "")
			for at, c := range []change{first, second} {
				if a := call(at, c.method, id+c.path, c.body); a.Code != http.StatusOK {
					t.Fatalf("%s: %d %s", what, a.Code, a.Body)
				}
			}
			if a := call(1, http.MethodPut, id, `{}`, "If-Match", read.Header().Get("ETag")); a.Code != http.StatusPreconditionFailed {
				t.Errorf("%s: who puts what was read before is answered %d %s", what, a.Code, a.Body)
			}
			doc, err := stored.Stored(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if !first.made(doc) || !second.made(doc) || doc.Limits.RequestsPerSecond != 77 || len(doc.Auth.Keys) == 0 {
				t.Errorf("%s: stored is %+v", what, doc)
			}
		}
	}
	everyFieldIsChanged(t)
}

// everyFieldIsChanged fails if a field of the document is in no change.
func everyFieldIsChanged(t *testing.T) {
	t.Helper()
	changed := map[string]bool{"Moved": true, "Deleted": true} // what placement writes, and the end
	for _, c := range changes() {
		changed[c.field] = true
	}
	var look func(prefix string, of reflect.Type)
	look = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			if name := prefix + f.Name; f.Name == "Auth" {
				look("Auth.", f.Type)
			} else if f.Tag.Get("json") != "-" && !changed[name] {
				t.Errorf("no change of %s", name)
			}
		}
	}
	look("", reflect.TypeFor[realtime.Tenant]())
}

package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// behind is a store as an instance sees it whose memory is old: Tenant shows what was there when it was asked first, and
// between a reading of what is stored and what follows somebody else may come.
type behind struct {
	*memory.Tenants
	first *realtime.Tenant
	then  func() // nil: nobody comes
}

func (b *behind) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	if b.first == nil {
		doc, err := b.Tenants.Tenant(ctx, id)
		if err != nil {
			return nil, err
		}
		b.first = doc
	}
	return b.first, nil
}

func (b *behind) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	doc, err := b.Tenants.Stored(ctx, id)
	if b.then != nil {
		b.then()
	}
	return doc, err
}

// writers are two instances of the API on one store, and what has to be there.
type writers struct {
	t     *testing.T
	r     *rand.Rand
	store *memory.Tenants
	apis  []http.Handler
	views []*behind
	token string
	deep  int               // how many calls are under way
	read  map[string]string // documents that were read once, by their ETags

	suspended   bool
	connections int
	origins     []string
	issuer      string
	windows     map[string]int
	keys        map[string]string // secrets, by kid
	told        int               // writers that were refused
}

func newWriters(t *testing.T, r *rand.Rand) *writers {
	store, err := memory.NewTenants(tenant("acme"))
	if err != nil {
		t.Fatal(err)
	}
	operators, err := httpapi.NewOperators(operatorKeys(), auth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = operators.Close() })
	w := &writers{
		t: t, r: r, store: store, token: sign(t, &realtime.Tenant{ID: httpapi.OperatorsTenant, Auth: operatorKeys()}, auth.Claims{User: "olga"}),
		read: map[string]string{}, windows: map[string]int{}, keys: map[string]string{"k1": strings.Repeat("acme", 32)},
	}
	for range 2 {
		view := &behind{Tenants: store}
		w.views = append(w.views, view)
		w.apis = append(w.apis, httpapi.New(httpapi.Options{Tenants: view, Operators: operators, Topics: &topics{}}))
	}
	return w
}

// call makes a call of one of the instances.
func (w *writers) call(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/v1/tenants/acme"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	w.apis[w.r.IntN(len(w.apis))].ServeHTTP(answer, r)
	return answer
}

// write makes a call that changes what has to be there, if it is taken; who is not is told so.
func (w *writers) write(wrote func(), method, path, body string, header ...string) {
	w.t.Helper()
	w.deep++
	for _, v := range w.views {
		if v.then = nil; w.deep < 4 && w.r.IntN(2) == 0 {
			v.then = w.step // somebody comes in between
		}
	}
	answer := w.call(method, path, body, header...)
	w.deep--
	switch {
	case answer.Code == http.StatusOK && answer.Header().Get(httpapi.ChangeHeader) == "unchanged": // it was so when it was read
	case answer.Code == http.StatusOK:
		wrote()
	case answer.Code == http.StatusPreconditionFailed && len(header) > 0:
		w.told++
	case answer.Code == http.StatusServiceUnavailable:
		w.told++ // others came in between again and again
	default:
		w.t.Fatalf("%s %s %s %q: %d %s", method, path, body, header, answer.Code, answer.Body)
	}
}

// step lets somebody change something.
func (w *writers) step() {
	for _, v := range w.views {
		v.then = nil
	}
	n := 1 + w.r.IntN(1_000_000)
	switch kid := fmt.Sprint("n", w.r.IntN(5)); w.r.IntN(9) {
	case 0:
		w.write(func() { w.suspended = true }, "POST", "/suspend", "")
	case 1:
		w.write(func() { w.suspended = false }, "POST", "/resume", "")
	case 2:
		w.write(func() { w.connections = n }, "PATCH", "", fmt.Sprintf(`{"limits":{"connections":%d}}`, n))
	case 3:
		w.write(func() { w.issuer = fmt.Sprint(n) }, "PATCH", "", fmt.Sprintf(`{"auth":{"issuer":"%d"}}`, n))
	case 4:
		w.write(func() { w.windows[kid] = 1 + n%1000 }, "PATCH", "", fmt.Sprintf(`{"namespaces":{%q:{"window":%d}}}`, kid, 1+n%1000))
	case 5: // a key is added, or gets another secret
		secret := strings.Repeat(fmt.Sprintf("%08d", n), 5)
		w.write(func() { w.keys[kid] = secret }, "PATCH", "", fmt.Sprintf(`{"auth":{"keys":[{"kid":%q,"alg":"HS256","secret":%q}]}}`, kid, secret))
	case 6:
		w.write(func() { w.origins = nil }, "PATCH", "", `{"origins":null}`)
	case 7: // what was read is remembered
		answer := w.call("GET", "", "")
		if answer.Code != http.StatusOK {
			w.t.Fatal(answer.Code, answer.Body)
		}
		w.read[answer.Header().Get("ETag")] = answer.Body.String()
	case 8: // and is put whole, changed, by somebody who read it sometime
		for tag, text := range w.read {
			var doc realtime.Tenant
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				w.t.Fatal(err)
			}
			doc.Origins = []string{fmt.Sprintf("https://%d.example.com", n)}
			if len(doc.Auth.Keys) > 2 {
				doc.Auth.Keys = doc.Auth.Keys[1:]
			}
			body, err := json.Marshal(&doc)
			if err != nil {
				w.t.Fatal(err)
			}
			w.write(func() {
				w.origins = doc.Origins
				maps.DeleteFunc(w.keys, func(kid, _ string) bool {
					return !slices.ContainsFunc(doc.Auth.Keys, func(k realtime.Key) bool { return k.KID == kid })
				})
			}, "PUT", "", string(body), "If-Match", tag)
			delete(w.read, tag)
			return
		}
	}
}

// check compares what is stored with what has to be there.
func (w *writers) check() {
	w.t.Helper()
	doc, err := w.store.Stored(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	keys, windows := map[string]string{}, map[string]int{}
	for _, k := range doc.Auth.Keys {
		keys[k.KID] = k.Secret
	}
	for name, n := range doc.Namespaces {
		windows[name] = n.Window
	}
	type fields struct {
		Suspended     bool
		Connections   int
		Origins       []string
		Issuer        string
		Windows       map[string]int
		Keys          map[string]string
		RequestsLimit int
	}
	want := fields{w.suspended, w.connections, w.origins, w.issuer, w.windows, w.keys, 10_000}
	got := fields{doc.Suspended, doc.Limits.Connections, doc.Origins, doc.Auth.Issuer, windows, keys, doc.Limits.RequestsPerSecond}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatalf("a write was lost (-want +stored):\n%s", diff)
	}
}

// TestWriters lets writers of every field come in between one another's reading and writing, on two instances whose
// memory is old: no write is lost, and each that is refused is told.
func TestWriters(t *testing.T) {
	t.Parallel()
	told := 0
	for seed := range uint64(20) {
		w := newWriters(t, rand.New(rand.NewPCG(seed, 9)))
		for range 60 {
			w.step()
			w.check()
		}
		told += w.told
	}
	if told < 20 {
		t.Errorf("%d writers were refused; that shows little", told)
	}
}

// A suspension outlives whatever another instance writes of what it remembers.
func TestSuspensionIsKept(t *testing.T) {
	t.Parallel()
	w := newWriters(t, rand.New(rand.NewPCG(1, 1)))
	for _, view := range w.views { // both remember it as it is
		if _, err := view.Tenant(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
	}
	w.call("POST", "/suspend", "")
	for _, body := range []string{`{"limits":{"connections":7}}`, `{}`, `{"suspended":null}`} {
		for _, method := range []string{"PUT", "PATCH"} {
			if method == "PATCH" && strings.Contains(body, "null") {
				continue // it says so
			}
			if a := w.call(method, "", body); a.Code != http.StatusOK || !strings.Contains(a.Body.String(), `"suspended":true`) {
				t.Errorf("%s %s: %d %s", method, body, a.Code, a.Body)
			}
		}
	}
}

// Conditions are those of RFC 9110.
func TestConditions(t *testing.T) {
	t.Parallel()
	s := start(t)
	op := s.operator()
	tag := s.want(200, "GET /v1/tenants/acme", op, "").Header.Get("ETag")
	for _, step := range []struct {
		what, header, value string
		body                string
		status              int
		saying              string
	}{
		{"PUT /v1/tenants/acme", "If-None-Match", "*", `{}`, 412, "If-None-Match: the tenant already exists"},
		{"PATCH /v1/tenants/acme", "If-None-Match", tag, `{}`, 412, "the tenant already exists"},
		{"PATCH /v1/tenants/acme", "If-None-Match", `"other"`, `{}`, 200, ""},
		{"PUT /v1/tenants/acme", "If-Match", `"other"`, `{}`, 412, "its ETag is now " + tag},
		{"PUT /v1/tenants/acme", "If-Match", "W/" + tag, `{}`, 412, "has changed; read it again"},
		{"PUT /v1/tenants/acme", "If-Match", "acme", `{}`, 400, "If-Match: must be *"},
		{"PUT /v1/tenants/acme", "If-Match", "", `{}`, 400, "If-Match: is empty"},
		{"PUT /v1/tenants/initech", "If-Match", "*", `{}`, 412, "the tenant does not exist"},
		{"POST /v1/tenants/acme/suspend", "If-Match", `"other"`, ``, 412, "has changed; read it again"},
		{"PUT /v1/tenants/acme", "If-Match", `"other", ` + tag, `{"limits":{"connections":5}}`, 200, `"connections":5`},
		{"PUT /v1/tenants/acme", "If-Match", tag, `{"limits":{"connections":6}}`, 412, "has changed; read it again"},
		{"PUT /v1/tenants/acme", "If-Match", "*", `{"limits":{"connections":7}}`, 200, `"connections":7`},
		{"PUT /v1/tenants/initech", "If-None-Match", "*", `{}`, 201, "{}"},
		{"PUT /v1/tenants/initech", "If-None-Match", "*", `{}`, 412, "the tenant already exists"},
		{"PATCH /v1/tenants/hooli", "If-None-Match", "*", `{"origins":["*"]}`, 201, `{"origins":["*"]}`},
	} {
		a := s.call(step.what, op, step.body, step.header, step.value)
		if a.Status != step.status || !strings.Contains(a.Detail+a.Raw, step.saying) {
			t.Errorf("%s, %s: %s: %d %s", step.what, step.header, step.value, a.Status, a.Raw)
		}
	}
}

// A tenant that was deleted is none, and may be made again; nothing of it is left.
func TestDeletedTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	op, mine := s.operator(), s.token("acme", "ann", realtime.ManageTenant)
	s.want(404, "PUT /v1/tenants/initech", op, `{"deleted":true}`)
	if a := s.want(200, "PATCH /v1/tenants/acme", op, `{"deleted":true}`); a.Raw != `{"deleted":true}`+"\n" {
		t.Errorf("told %s", a.Raw)
	}
	s.want(401, "GET /v1/tenants/acme", mine, "")
	s.want(404, "GET /v1/tenants/acme", op, "")
	s.want(404, "POST /v1/tenants/acme/suspend", op, "")
	s.want(404, "POST /v1/tenants/acme/publish", op, `{"channel":"a","data":1}`)
	s.want(404, "PUT /v1/tenants/acme", op, `{"deleted":true}`)
	if a := s.want(201, "PATCH /v1/tenants/acme", op, `{"limits":{"connections":5}}`); a.Raw != `{"limits":{"connections":5}}`+"\n" {
		t.Errorf("made again it is %s", a.Raw)
	}
	s.want(401, "GET /v1/tenants/acme", mine, "")
}

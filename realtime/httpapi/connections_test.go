package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

func TestSend(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.token("acme", "backend", realtime.ManagePublish)
	ann1, ann2, bob := s.connect("acme", "ann"), s.connect("acme", "ann"), s.connect("acme", "bob")

	a := s.want(200, "POST /v1/tenants/acme/users/ann/send", token, `{"data":{"to": "ann"},"key":"k","tags":{"a":"b"},"id":"e1"}`)
	if a.ID != "e1" || string(a.Connections) != "2" || a.More {
		t.Errorf("answered %s", a.Raw)
	}
	ann1.expect("direct", `{"to":"ann"}`)
	ann2.expect("direct", `{"to":"ann"}`)
	if a := s.want(200, "POST /v1/tenants/acme/connections/"+ann2.id+"/send", s.operator(), `{"data":"one"}`); string(a.Connections) != "1" || a.ID == "" {
		t.Errorf("answered %s", a.Raw)
	}
	ann2.expect("direct", `"one"`)
	if a := s.want(200, "POST /v1/tenants/acme/groups/bobs/send", token, `{"data":null}`); string(a.Connections) != "1" {
		t.Errorf("answered %s", a.Raw)
	}
	bob.expect("direct", `null`)
	for _, p := range []*peer{ann1, ann2, bob} {
		p.quiet()
	}

	// Who is nowhere is said to be.
	_ = bob.ws.Close()
	s.registry.await(t, "acme", bob.id, false)
	for _, to := range []string{"users/bob", "users/nobody", "groups/bobs", "connections/" + bob.id} {
		if a := s.want(404, "POST /v1/tenants/acme/"+to+"/send", token, `{"data":1}`); a.Code != realtime.CodeNotFound || !strings.Contains(a.Detail, "nobody is connected") {
			t.Errorf("%s: %s", to, a.Raw)
		}
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc := tenant("tight")
	doc.Limits.MessageBytes, doc.Limits.PublishesPerSecond = 20, 1
	if _, err := s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	s.connect("tight", "ann")
	token := s.token("tight", "backend", realtime.ManagePublish)
	const send = "POST /v1/tenants/tight/users/ann/send"
	for _, c := range []struct {
		body   string
		status int
		saying string
	}{
		{`{}`, 400, "data: is missing"},
		{`{"data":1,"channel":"a"}`, 400, "channel: unknown field"},
		{`{"data":1,"Key":"a","tag":{}}`, 400, "Key: unknown field; tag: unknown field"},
		{`{"data":1,"tags":{"a":1}}`, 400, "tags.a: must be a string"},
		{`{"data":1,"data":2}`, 400, "data: appears twice"},
		{`{"data":1,"id":"` + strings.Repeat("x", 201) + `"}`, 400, "id: must be at most 200 bytes, got 201"},
		{`[]`, 400, "body: must be an object"},
		{`{"data":`, 400, "line 1: unexpected EOF"},
		{"{\"data\":\"\xff\"}", 400, "UTF-8"},
		{`{"data":"` + strings.Repeat("x", 20) + `"}`, 413, "data: must be at most 20 bytes (limits.messageBytes), got 22"},
		{`{"data":"` + strings.Repeat("x", 3<<20) + `"}`, 413, "the body must be at most 2097152 bytes"},
	} {
		if a := s.call(send, token, c.body); a.Status != c.status || !strings.Contains(a.Detail, c.saying) {
			t.Errorf("%.60s: %d %s, want %d %s", c.body, a.Status, a.Raw, c.status, c.saying)
		}
	}
	for _, header := range [][]string{ // as the ingest function takes them, in any case
		{"Content-Type", "Application/JSON; charset=UTF-8"}, {"Content-Encoding", "Identity"},
	} {
		if a := s.call(send, token, `{"data":1}`, header...); a.Status != 200 {
			t.Errorf("%v: %d %s", header, a.Status, a.Detail)
		}
	}
	if a := s.call(send, token, `{"data":1}`, "Content-Encoding", "br"); a.Status != 415 || a.Header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("br: %d %s, %v", a.Status, a.Detail, a.Header)
	}
	if a := s.call(send, token, `{"data":1}`, "Content-Type", "text/plain"); a.Status != 415 || a.Header.Get("Accept") != "application/json" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	a := s.call(send, token, `{"data":1}`)
	for a.Status == 200 { // the bucket is empty sooner or later
		a = s.call(send, token, `{"data":1}`)
	}
	if a.Status != 429 || a.Limit != "publishesPerSecond" || a.Header.Get("Retry-After") != "1" {
		t.Errorf("%q %s", a.Header, a.Raw)
	}
	if a := s.want(403, "POST /v1/tenants/closed/users/ann/send", s.operator(), `{"data":1}`); a.Code != realtime.CodeSuspended {
		t.Errorf("to a suspended tenant: %s", a.Raw)
	}
}

func TestListAndClose(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.token("acme", "backend", realtime.ManageConnections)
	if a := s.want(200, "GET /v1/tenants/acme/connections", token, ""); string(a.Connections) != "[]" || a.Next != "" {
		t.Errorf("nobody: %s", a.Raw)
	}
	byID := map[string]*peer{}
	var ids, anns []string
	for i := range 5 {
		user := []string{"ann", "bob"}[i%2]
		p := s.connect("acme", user)
		byID[p.id], ids = p, append(ids, p.id)
		if user == "ann" {
			anns = append(anns, p.id)
		}
	}
	slices.Sort(ids)
	slices.Sort(anns)
	var got []string
	for after := ""; ; {
		a := s.want(200, "GET /v1/tenants/acme/connections?limit=2&after="+after, token, "")
		got = append(got, a.list(t)...)
		if after = a.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("by pages of two (-want +got):\n%s", diff)
	}
	for _, q := range []string{"user=ann", "group=anns", "user=ann&group=anns"} {
		if diff := cmp.Diff(anns, ptr(s.want(200, "GET /v1/tenants/acme/connections?"+q, token, "")).list(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", q, diff)
		}
	}
	for q, saying := range map[string]string{
		"usr=ann": "usr: unknown parameter", "limit=0": "limit:", "limit=1001": "limit:", "limit=x": "limit:", "limit=": "limit:", "user=a&user=b": "user: appears twice", "%zz": "malformed",
	} {
		if a := s.want(400, "GET /v1/tenants/acme/connections?"+q, token, ""); !strings.Contains(a.Detail, saying) {
			t.Errorf("%s: %s", q, a.Raw)
		}
	}

	one := anns[0]
	if a := s.want(200, "GET /v1/tenants/acme/connections/"+one, token, ""); a.ID != one || !strings.Contains(a.Raw, `"user":"ann","groups":["anns"],"instance":"i-1"`) {
		t.Errorf("inspected: %s", a.Raw)
	}
	s.want(204, "DELETE /v1/tenants/acme/connections/"+one, token, "")
	byID[one].closed(4403)
	s.registry.await(t, "acme", one, false)
	s.want(404, "GET /v1/tenants/acme/connections/"+one, token, "")
	s.want(404, "DELETE /v1/tenants/acme/connections/"+one, token, "")
	if diff := cmp.Diff(anns[1:], ptr(s.want(200, "GET /v1/tenants/acme/connections?user=ann", token, "")).list(t)); diff != "" {
		t.Errorf("after the close (-want +got):\n%s", diff)
	}
	byID[anns[1]].quiet()
	if !strings.Contains(s.log.String(), fmt.Sprintf("tenant=acme caller=backend connection=%s", one)) {
		t.Errorf("the log does not say who closed it: %s", s.log)
	}
}

func ptr[T any](v T) *T { return &v }

// A logout closes the user's sockets and nobody else's, and the old token does not come back.
func TestLogout(t *testing.T) {
	t.Parallel()
	s := start(t)
	api := s.token("acme", "backend", realtime.ManageUsers)
	anns := []*peer{s.connect("acme", "ann"), s.connect("acme", "ann")}
	bob := s.connect("acme", "bob")
	old := s.token("acme", "ann", httpapi.Parts()...)
	begun := time.Now().Truncate(time.Millisecond)
	a := s.want(200, "POST /v1/tenants/acme/users/ann/logout", api, "")
	if a.RevokedBefore.Before(begun) || a.RevokedBefore.After(time.Now()) {
		t.Errorf("revoked before %s", a.RevokedBefore)
	}
	for _, p := range anns {
		p.closed(4401)
		s.registry.await(t, "acme", p.id, false)
	}
	bob.quiet()
	// The old token does not come back: not here, where ann was asked about a moment ago, nor in any other process.
	for range 20 {
		s.dial(old).closed(4401)
	}
	another := auth.New(s.tenants, auth.Options{Revocations: s.revocations})
	defer another.Close()
	if _, err := another.Verify(t.Context(), old); realtime.CodeOf(err) != realtime.CodeUnauthorized {
		t.Errorf("the old token in another process: %v", err)
	}
	// Again, and for who is nowhere.
	s.want(200, "POST /v1/tenants/acme/users/ann/logout", api, "")
	s.want(200, "POST /v1/tenants/acme/users/nobody/logout", s.operator(), "")
	if before, err := s.revocations.RevokedBefore(t.Context(), "acme", "nobody"); err != nil || before.IsZero() {
		t.Errorf("%s, %v", before, err)
	}
	if before, err := s.revocations.RevokedBefore(t.Context(), "globex", "ann"); err != nil || !before.IsZero() {
		t.Errorf("another tenant's ann is logged out: %s, %v", before, err)
	}
	s.want(400, "POST /v1/tenants/acme/users/"+strings.Repeat("x", 201)+"/logout", api, "")
}

// order tells what was called.
type order struct {
	httpapi.Publisher
	realtime.Revocations
	calls  []string
	revoke error
}

func (o *order) Revoke(ctx ctx, tenant, user string, before, until time.Time) error {
	o.calls = append(o.calls, fmt.Sprintf("revoke %s", until.Sub(before)))
	if o.revoke != nil {
		return o.revoke
	}
	return o.Revocations.Revoke(ctx, tenant, user, before, until)
}

func (o *order) SendClose(ctx ctx, t *realtime.Tenant, to realtime.Target, code realtime.Code, before time.Time) error {
	o.calls = append(o.calls, "close "+string(code))
	return o.Publisher.SendClose(ctx, t, to, code, before)
}

// Tokens end before sockets do; if they cannot, nothing is closed.
func TestLogoutInOrder(t *testing.T) {
	t.Parallel()
	o := &order{}
	s := start(t, func(options *httpapi.Options) {
		o.Publisher, o.Revocations = options.Publisher, options.Revocations
		options.Publisher, options.Revocations, options.TokenLife = o, o, 48*time.Hour
	})
	s.want(200, "POST /v1/tenants/acme/users/ann/logout", s.operator(), "")
	o.revoke = down()
	if a := s.want(503, "POST /v1/tenants/acme/users/ann/logout", s.operator(), ""); a.Header.Get("Retry-After") != "2" {
		t.Errorf("%q", a.Header)
	}
	if diff := cmp.Diff([]string{"revoke 48h0m0s", "close unauthorized", "revoke 48h0m0s"}, o.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// What is down is a 503 with Retry-After, which tells nothing of the cause; the log does.
func TestRegistryDown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.registry.mu.Lock()
	s.registry.fail = down()
	s.registry.mu.Unlock()
	for _, call := range []string{
		"GET /v1/tenants/acme/connections", "GET /v1/tenants/acme/connections/c1", "DELETE /v1/tenants/acme/connections/c1",
		"POST /v1/tenants/acme/users/ann/send", "POST /v1/tenants/acme/groups/g/send", "POST /v1/tenants/acme/connections/c1/send",
	} {
		body := ""
		if strings.HasSuffix(call, "send") {
			body = `{"data":1}`
		}
		a := s.call(call, s.operator(), body)
		if a.Status != 503 || a.Header.Get("Retry-After") != "2" || strings.Contains(a.Raw, "dial tcp") {
			t.Errorf("%s: %d %q %s", call, a.Status, a.Header, a.Raw)
		}
	}
	if !strings.Contains(s.log.String(), "dial tcp: refused") {
		t.Errorf("the log does not say why: %s", s.log)
	}
	// A logout needs no registry.
	s.want(200, "POST /v1/tenants/acme/users/ann/logout", s.operator(), "")
}

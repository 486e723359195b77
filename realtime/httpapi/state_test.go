package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/keeper"
)

// withState gives acme namespaces with state, and returns what keeps it.
func withState(t *testing.T, s *service) *keeper.Keeper {
	t.Helper()
	no := false
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{
		"fleet": {State: &realtime.State{}}, "brief": {State: &realtime.State{Durable: &no}}, "chat": {},
	}
	stored, err := s.tenants.Stored(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	doc.Version = stored.Version
	if _, err := s.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	return keeper.New(keeper.Options{Broker: s.broker, Reader: s.broker, Tenants: s.tenants, States: s.states})
}

// entries are those of an answer, "key=data".
func entries(t *testing.T, a answer) (all []string, next string) {
	t.Helper()
	var page struct {
		Entries []struct {
			Key, Position   string
			Time, ExpiresAt int64
			Data            json.RawMessage
		}
		Next, Position string
		AsOf           time.Time
	}
	if err := json.Unmarshal([]byte(a.Raw), &page); err != nil {
		t.Fatalf("%s: %v", a.Raw, err)
	}
	position, err := realtime.ParsePosition(page.Position)
	if err != nil || position.Time != page.AsOf.UnixMilli()-1 {
		t.Errorf("position %q, as of %v: %v", page.Position, page.AsOf, err)
	}
	for _, e := range page.Entries {
		if p, err := realtime.ParsePosition(e.Position); err != nil || p.Time != e.Time {
			t.Errorf("%+v: %v", e, err)
		}
		all = append(all, e.Key+"="+string(e.Data))
	}
	return all, page.Next
}

func TestState(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := withState(t, s)
	keep := func() {
		t.Helper()
		time.Sleep(2 * time.Millisecond) // the next marker is later
		if r, err := k.Run(t.Context()); err != nil || r.Kept != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	writer, reader := s.token("acme", "backend", realtime.ManagePublish), s.token("acme", "auditor", realtime.ManageState)
	const state = " /v1/tenants/acme/channels/fleet:eu/state"
	if a := s.want(503, "GET"+state, reader, ""); a.Code != realtime.CodeUnavailable {
		t.Errorf("before anything was stored: %s", a.Raw)
	}
	holds := func(query string, want ...string) (next string) {
		t.Helper()
		got, next := entries(t, s.want(200, "GET"+state+query, reader, ""))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		return next
	}
	keep()
	holds("")
	if a := s.want(200, "PUT"+state+"/v1", writer, `{"data": {"lat": 1}, "ttl":"1h","tags":{"a":"b"},"eventType":"moved","source":"/v1","contentType":"text/plain","id":"e1"}`); a.ID != "e1" {
		t.Errorf("answered %s", a.Raw)
	}
	for i := range 5 {
		s.want(200, fmt.Sprintf("PUT%s/w%d", state, i), writer, `{"data":null}`)
	}
	odd := url.PathEscape("a/../b %")
	s.want(200, "PUT"+state+"/"+odd, s.operator(), `{"data":7}`)
	holds("")
	keep()
	next := holds("?limit=3", "a/../b %=7", `v1={"lat":1}`, "w0=null")
	holds("?limit=3&after="+url.QueryEscape(next), "w1=null", "w2=null", "w3=null")
	if next := holds("?prefix=v", `v1={"lat":1}`); next != "" {
		t.Errorf("the last page has the next %q", next)
	}
	a := s.want(200, "GET"+state+"?prefix=v", reader, "")
	if !strings.Contains(a.Raw, `"tags":{"a":"b"},"eventType":"moved","source":"/v1","contentType":"text/plain"`) || !strings.Contains(a.Raw, `"expiresAt":`) {
		t.Errorf("answered %s", a.Raw)
	}
	s.want(200, "DELETE"+state+"/"+odd, writer, "")
	s.want(200, "DELETE"+state+"/never", writer, "")
	keep()
	holds("?limit=2", `v1={"lat":1}`, "w0=null")
	s.want(200, "DELETE"+state, writer, "")
	s.want(200, "PUT"+state+"/v2", writer, `{"data":2}`)
	keep()
	holds("", "v2=2")
}

// The entity tag is that of the entries.
func TestStateTag(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := withState(t, s)
	writer, reader := s.token("acme", "backend", realtime.ManagePublish), s.token("acme", "auditor", realtime.ManageState)
	ask := func(tag string) *http.Response {
		t.Helper()
		time.Sleep(2 * time.Millisecond)
		if _, err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/tenants/acme/channels/fleet:eu/state", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+reader)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	s.want(200, "PUT /v1/tenants/acme/channels/fleet:eu/state/v1", writer, `{"data":1}`)
	tag := ask("").Header.Get("ETag")
	for _, condition := range []string{tag, strings.TrimPrefix(tag, "W/"), `"other", ` + tag, "*"} {
		if res := ask(condition); res.StatusCode != http.StatusNotModified || res.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d %s, want 304 %s", condition, res.StatusCode, res.Header.Get("ETag"), tag)
		}
	}
	s.want(200, "PUT /v1/tenants/acme/channels/fleet:eu/state/v1", writer, `{"data":2}`)
	if res := ask(tag); res.StatusCode != http.StatusOK || res.Header.Get("ETag") == tag {
		t.Errorf("after a change: %d %s", res.StatusCode, res.Header.Get("ETag"))
	}
}

func TestStateRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	withState(t, s)
	token := s.token("acme", "backend", realtime.ManagePublish, realtime.ManageState)
	const state = "/v1/tenants/acme/channels/fleet:eu/state"
	for _, c := range []struct {
		call, body string
		status     int
		saying     string
	}{
		{"GET /v1/tenants/acme/channels/chat/state", "", 400, "channel: namespaces.chat has no state"},
		{"GET /v1/tenants/acme/channels/brief:x/state", "", 400, "the state of namespaces.brief is not durable"},
		{"GET /v1/tenants/acme/channels/a::b/state", "", 400, "empty segment"},
		{"GET " + state + "?limit=0", "", 400, "limit: must be 1 to 1000"},
		{"GET " + state + "?keys=a", "", 400, "keys: unknown parameter"},
		{"GET " + state + "?prefix=%00", "", 400, "prefix: contains a control character"},
		{"PUT /v1/tenants/acme/channels/chat/state/k", `{"data":1}`, 400, "channel: namespaces.chat has no state"},
		{"PUT " + state + "/k", `{}`, 400, "data: is missing"},
		{"PUT " + state + "/k", `{"data":1,"key":"k"}`, 400, "key: unknown field"},
		{"PUT " + state + "/k", `{"data":1,"ttl":"1ms"}`, 400, "ttl: must be"},
		{"PUT " + state + "/" + strings.Repeat("k", 201), `{"data":1}`, 400, "key: must be at most 200 bytes, got 201"},
		{"PUT " + state + "/k", `{"data":"` + strings.Repeat("x", 70_000) + `"}`, 413, "limits.messageBytes"},
		{"DELETE " + state + "/k?id=1", "", 400, "id: unknown parameter"},
		{"DELETE /v1/tenants/acme/channels/chat/state", "", 400, "channel: namespaces.chat has no state"},
	} {
		if a := s.call(c.call, token, c.body); a.Status != c.status || !strings.Contains(a.Detail, c.saying) {
			t.Errorf("%.80s: %d %s, want %d %s", c.call, a.Status, a.Raw, c.status, c.saying)
		}
	}
	if a := s.call("PUT /v1/tenants/closed/channels/fleet:eu/state/k", s.operator(), `{"data":1}`); a.Code != realtime.CodeSuspended {
		t.Errorf("a suspended tenant: %d %s", a.Status, a.Raw)
	}
	without := start(t, func(o *httpapi.Options) { o.States = nil })
	withState(t, without)
	without.want(404, "GET "+state, without.operator(), "")
}

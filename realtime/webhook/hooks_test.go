package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/webhook"
	"github.com/tidewire/tidewire/realtime/webhook/document"
	"github.com/tidewire/tidewire/realtime/webhook/signature"
)

// What a hook is sent: a CloudEvent in binary mode, signed by every secret, after one handshake.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, yes)
	hooks := newHooks(t, webhook.Options{Network: s.network(), Origin: "gateway.example"})
	s.handshake = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
	}
	doc := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"connect", "subscribe", "publish", "call:*"}, Secrets: []string{secretOf("a"), secretOf("b")}})
	c := client(doc)
	_, err := hooks.Connect(t.Context(), &hook.ConnectEvent{
		Tenant: doc, Principal: c.Principal, Remote: "192.0.2.1", Path: "/v1/socket", Header: http.Header{"Origin": {"https://app.example"}, "Cookie": {"secret=1"}, "User-Agent": {"x/1"}},
	})
	publication := &realtime.Publication{Channel: channel(t, "books:1"), Key: "k", Tags: map[string]string{"a": "b"}, Data: []byte(`{"x":1}`)}
	_, failed := hooks.Call(t.Context(), c, "plaçe order", json.RawMessage(`[1]`))
	err = errors.Join(err, failed, hooks.Subscribe(t.Context(), c, channel(t, "board:7")), hooks.SubscribePattern(t.Context(), c, "board:*"), hooks.Publish(t.Context(), c, publication))
	if err != nil {
		t.Fatal(err)
	}
	const who = `"connection":"c-1","groups":["desk"],"meta":{"plan":"gold"},"tenant":"acme","user":"ann"`
	want := []struct{ kind, source, subject, body string }{
		{"connect", "/tenants/acme", "", `{"grants":{},"groups":["desk"],"origin":"https://app.example","path":"/v1/socket","remote":"192.0.2.1","tenant":"acme","user":"ann","userAgent":"x/1"}`},
		{"call", "/tenants/acme/connections/c-1", "pla%C3%A7e%20order", `{"route":"plaçe order","data":[1],` + who + `}`},
		{"subscribe", "/tenants/acme/connections/c-1", "board:7", `{"channel":"board:7",` + who + `}`},
		{"subscribe", "/tenants/acme/connections/c-1", "board:*", `{"pattern":"board:*",` + who + `}`},
		{"publish", "/tenants/acme/connections/c-1", "books:1", `{"channel":"books:1","key":"k","tags":{"a":"b"},"data":{"x":1},` + who + `}`},
	}
	if s.shakes != 1 || len(s.asked) != len(want) {
		t.Fatalf("%d handshakes, %d requests", s.shakes, len(s.asked))
	}
	ids := map[string]bool{}
	for i, w := range want {
		h := s.asked[i].Header
		if h.Get("Ce-Type") != "dev.tidewire.connection."+w.kind+".v1" || h.Get("Ce-Source") != w.source || h.Get("Ce-Subject") != w.subject || h.Get("Ce-Specversion") != "1.0" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: headers %v", w.kind, h)
		}
		if _, err := time.Parse(time.RFC3339Nano, h.Get("Ce-Time")); err != nil || h.Get("Ce-Id") != h.Get("Webhook-Id") || ids[h.Get("Ce-Id")] {
			t.Errorf("%s: ce-time or ce-id of %v", w.kind, h)
		}
		ids[h.Get("Ce-Id")] = true
		if diff := cmp.Diff(decoded(t, []byte(w.body)), decoded(t, s.bodies[i])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.kind, diff)
		}
		for _, secret := range []string{"a", "b"} {
			if err := signature.Verify(h, s.bodies[i], time.Now(), bytes.Repeat([]byte(secret), 32)); err != nil {
				t.Errorf("%s, secret %s: %v", w.kind, secret, err)
			}
		}
	}
}

// With auth oidc a hook is given a token for its URL, also in the handshake, and no signature.
func TestTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, yes)
	s.handshake = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.Header().Set("WebHook-Allowed-Origin", "*")
		}
	}
	hooks := newHooks(t, webhook.Options{Network: s.network(), IDToken: func(_ context.Context, audience string) (string, error) { return "token of " + audience, nil }})
	doc := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"subscribe"}, Auth: realtime.HookOIDC})
	if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a")); err != nil {
		t.Fatal(err)
	}
	if h := s.asked[0].Header; h.Get("Authorization") != "Bearer token of "+s.url() || h.Get("Webhook-Signature") != "" {
		t.Errorf("headers %v", h)
	}
	for name, token := range map[string]func(context.Context, string) (string, error){"no account": nil, "no token": func(context.Context, string) (string, error) { return "", errors.New("no") }} {
		hooks := newHooks(t, webhook.Options{Network: s.network(), IDToken: token})
		if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a")); realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A hook can narrow what a token grants, and never widen it.
func TestConnectAnswers(t *testing.T) {
	t.Parallel()
	token := realtime.Principal{Tenant: "acme", User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"board:*", "user:{user}", "desk:{group}"}, Publish: []realtime.Pattern{"board:*"}}}
	for name, c := range map[string]struct {
		answers []string // of hooks, in their order
		code    realtime.Code
		may     string // channels that may be read
		publish string
		filters [][]string // of board:1
	}{
		"nothing":                     {[]string{`{}`}, "", "board:1 board:2 user:ann", "board:1 board:2", nil},
		"refused":                     {[]string{`{"code":"forbidden"}`}, realtime.CodeForbidden, "", "", nil},
		"refused by the second":       {[]string{`{}`, `{"code":"conflict"}`}, realtime.CodeConflict, "", "", nil},
		"groups":                      {[]string{`{"groups":["fx"]}`}, "", "board:1 board:2 user:ann desk:fx", "board:1 board:2", nil},
		"fewer grants":                {[]string{`{"grants":{"subscribe":["board:1","user:{user}"]}}`}, "", "board:1 user:ann", "", nil},
		"no grants":                   {[]string{`{"grants":{}}`}, "", "", "", nil},
		"fewer, and still fewer":      {[]string{`{"grants":{"subscribe":["board:*"],"publish":["board:2"]}}`, `{"grants":{"subscribe":["board:2"]}}`}, "", "board:2", "", nil},
		"a group and its channel":     {[]string{`{"groups":["fx"],"grants":{"subscribe":["desk:fx"]}}`}, "", "desk:fx", "", nil},
		"more grants":                 {[]string{`{"grants":{"subscribe":["board:1","prices:*"]}}`}, realtime.CodeUnavailable, "", "", nil},
		"all":                         {[]string{`{"grants":{"subscribe":["**"]}}`}, realtime.CodeUnavailable, "", "", nil},
		"another user's":              {[]string{`{"grants":{"subscribe":["user:bob"]}}`}, realtime.CodeUnavailable, "", "", nil},
		"to publish what may be read": {[]string{`{"grants":{"publish":["user:ann"]}}`}, realtime.CodeUnavailable, "", "", nil},
		"back what the first took":    {[]string{`{"grants":{"subscribe":["board:1"]}}`, `{"grants":{"subscribe":["board:2"]}}`}, realtime.CodeUnavailable, "", "", nil},
		"filters of both":             {[]string{`{"filters":{"board:*":["a","b"]}}`, `{"filters":{"board:1":["c"],"**":["d"]}}`}, "", "board:1 board:2 user:ann", "board:1 board:2", [][]string{{"a", "b"}, {"c"}}},
		"too much meta":               {[]string{`{"meta":{"a":"` + strings.Repeat("x", 5000) + `"}}`}, realtime.CodeUnavailable, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) { n++; says(c.answers[n-1])(w, r) })
			hooks := newHooks(t, webhook.Options{Network: s.network()})
			var all []realtime.Hook
			for range c.answers {
				all = append(all, realtime.Hook{URL: s.url(), On: []string{"connect"}})
			}
			p := token
			got, err := hooks.Connect(t.Context(), &hook.ConnectEvent{Tenant: tenantOf(t, all...), Principal: &p})
			if c.code != "" {
				if realtime.CodeOf(err) != c.code {
					t.Errorf("got %v, want %s", err, c.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			is := got.Extend(&p)
			var may, publish []string
			for _, name := range []string{"board:1", "board:2", "user:ann", "user:bob", "desk:fx", "prices:1"} {
				if is.May(realtime.ActionSubscribe, channel(t, name)) {
					may = append(may, name)
				}
				if is.May(realtime.ActionPublish, channel(t, name)) {
					publish = append(publish, name)
				}
			}
			if strings.Join(may, " ") != c.may || strings.Join(publish, " ") != c.publish {
				t.Errorf("may read %q and publish to %q", may, publish)
			}
			if diff := cmp.Diff(c.filters, is.FiltersOf(channel(t, "board:1"))); diff != "" {
				t.Errorf("filters (-want +got):\n%s", diff)
			}
		})
	}
}

// What hooks change of an event goes from one to the next; what cannot be published is no answer.
func TestPublishAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op     realtime.Op
		answer string
		code   realtime.Code
		want   string
	}{
		"nothing":                {"", `{}`, "", `k map[a:b] 1`},
		"all":                    {"", `{"key":"n","tags":{},"data":{"x": 2}}`, "", `n map[] {"x": 2}`},
		"refused":                {"", `{"code":"bad-request","message":"x"}`, realtime.CodeBadRequest, ""},
		"a key that is none":     {"", `{"key":"` + strings.Repeat("k", 300) + `"}`, realtime.CodeUnavailable, ""},
		"data for a removal":     {realtime.OpDelete, `{"data":1}`, realtime.CodeUnavailable, ""},
		"tags of a removal":      {realtime.OpDelete, `{"tags":{"c":"d"}}`, "", `k map[c:d] `},
		"more tags than allowed": {"", `{"tags":{` + manyTags(40) + `}}`, realtime.CodeUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, says(c.answer))
			hooks := newHooks(t, webhook.Options{Network: s.network()})
			p := &realtime.Publication{Channel: channel(t, "board:1"), Key: "k", Op: c.op, Tags: map[string]string{"a": "b"}}
			if c.op == "" {
				p.Data = []byte("1")
			}
			err := hooks.Publish(t.Context(), client(tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"publish"}})), p)
			if c.code != "" {
				if realtime.CodeOf(err) != c.code {
					t.Errorf("got %v", err)
				}
				return
			}
			if got := fmt.Sprintf("%s %v %s", p.Key, p.Tags, p.Data); err != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func manyTags(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"t%d":""`, i))
	}
	return strings.Join(all, ",")
}

// An answer counts for the same user, groups and subject, for a while, and for nobody else.
func TestCache(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"agreed": `{}`, "refused": `{"code":"forbidden"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, says(answer))
			hooks := newHooks(t, webhook.Options{Network: s.network()})
			doc := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"subscribe", "publish"}, Cache: realtime.Duration(time.Hour)})
			ask := func(change func(c *hook.Client), name string) error {
				c := client(doc)
				if change != nil {
					change(c)
				}
				return hooks.Subscribe(t.Context(), c, channel(t, name))
			}
			first := ask(nil, "board:1")
			for i, c := range []struct {
				change func(c *hook.Client)
				name   string
				asks   bool
			}{
				{nil, "board:1", false},
				{func(c *hook.Client) { c.ID = "c-2" }, "board:1", false},
				{nil, "board:2", true},
				{func(c *hook.Client) { c.Principal.User = "bob" }, "board:1", true},
				{func(c *hook.Client) { c.Principal.Groups = nil }, "board:1", true},
				{func(c *hook.Client) { c.Meta = nil }, "board:1", true},
				{func(c *hook.Client) {
					c.Tenant = tenantOf(t, realtime.Hook{URL: s.url() + "?2", On: []string{"subscribe"}, Cache: realtime.Duration(time.Hour)})
				}, "board:1", true},
			} {
				before := s.count()
				if err := ask(c.change, c.name); (err == nil) != (first == nil) {
					t.Errorf("%d: %v", i, err)
				}
				if got := s.count() > before; got != c.asks {
					t.Errorf("%d: asked is %v", i, got)
				}
			}
			before := s.count()
			for range 3 {
				_ = hooks.Publish(t.Context(), client(doc), &realtime.Publication{Channel: channel(t, "board:1"), Data: []byte("1")})
			}
			if s.count() != before+3 {
				t.Error("an answer to a publish was remembered")
			}
		})
	}
}

// A hook has a bounded number of requests at a time; what is more is refused at once, and other hooks and tenants have theirs.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "stuck") {
			<-release
		}
		w.WriteHeader(204)
	})
	count := &counts{}
	hooks := newHooks(t, webhook.Options{Network: s.network(), Metrics: count})
	doc := tenantOf(t, realtime.Hook{URL: s.url() + "/stuck", On: []string{"subscribe"}, Channels: []realtime.Pattern{"a:*"}, Timeout: realtime.Duration(10 * time.Second)}, realtime.Hook{URL: s.url(), On: []string{"subscribe"}, Channels: []realtime.Pattern{"b:*"}})
	var running sync.WaitGroup
	var mu sync.Mutex // guards codes
	codes := map[realtime.Code]int{}
	const n = 150
	for range n {
		running.Go(func() {
			err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a:1"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				codes[""]++
			} else {
				codes[realtime.CodeOf(err)]++
			}
		})
	}
	for s.count() < 100 || count.of(realtime.ReasonBusy) < n-100 {
		if count.of(realtime.ReasonTimeout)+count.of(realtime.ReasonFailed) > 0 {
			close(release)
			running.Wait()
			t.Fatalf("requests have failed: %v", codes)
		}
		time.Sleep(time.Millisecond)
	}
	if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "b:1")); err != nil {
		t.Errorf("another hook: %v", err)
	}
	close(release)
	running.Wait()
	if codes[""] != 100 || codes[realtime.CodeLimited] != n-100 {
		t.Errorf("%v of %d", codes, n)
	}
}

// What hooks are asked about, by events, channels and routes.
func TestAsked(t *testing.T) {
	t.Parallel()
	h := realtime.Hook{On: []string{"subscribe", "call:orders.*", "call:ping"}, Channels: []realtime.Pattern{"board:**", "a:*"}}
	for _, c := range []struct {
		event   realtime.HookEvent
		subject string
		want    bool
	}{
		{"connect", "", false}, {"publish", "board:1", false}, {"subscribe", "board:1", true}, {"subscribe", "board:1:2", true}, {"subscribe", "board", false}, {"subscribe", "b:1", false},
		{"subscribe", "a:1", true}, {"subscribe", "a:1:2", false}, {"subscribe", "*:1", true}, {"subscribe", "**", true}, {"subscribe", "c:*", false},
		{"call", "orders.place", true}, {"call", "orders.", true}, {"call", "orders", false}, {"call", "ping", true}, {"call", "pings", false}, {"disconnected", "", false},
	} {
		doc := &realtime.Tenant{Hooks: []realtime.Hook{h}}
		if got := document.Asks(doc, c.event, c.subject); got != c.want {
			t.Errorf("%s %s: %v", c.event, c.subject, got)
		}
	}
	if !slices.Contains(h.On, "call:ping") {
		t.Error("the hook was changed")
	}
}

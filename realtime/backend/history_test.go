package backend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/retained"
)

// archive is the management API over a backend, with what somebody publishes.
type archive struct {
	t         *testing.T
	url       string
	tenant    *realtime.Tenant
	publisher *publish.Publisher
	exact     bool         // nothing that is kept may be missing. The emulator of Pub/Sub may bring a part late, of which complete has to be false
	published atomic.Int64 // events of news:eu that are stored; each says its number
}

func newArchive(t *testing.T, spec string, o backend.Options) *archive {
	t.Helper()
	b, err := backend.Open(t.Context(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{t: t, tenant: &realtime.Tenant{
		ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat("acme", 8)}}},
		Namespaces: map[string]realtime.Namespace{"few": {History: &realtime.History{Count: 30, For: realtime.Duration(5 * time.Minute)}}},
		Limits:     realtime.Limits{RequestsPerSecond: 10_000},
	}}
	if err := b.EnsureTenant(t.Context(), a.tenant); err != nil {
		t.Fatal(err)
	}
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	a.publisher = publish.New(b.Broker, publish.Options{Placement: b.Placement})
	history := retained.New(retained.Options{Broker: b.Broker, Placement: b.Placement, Filters: filters})
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations})
	server := httptest.NewServer(httpapi.New(httpapi.Options{
		Verifier: verifier, Tenants: b.Tenants, Registry: b.Registry, Revocations: b.Revocations, Publisher: a.publisher, History: history, Placement: b.Placement,
	}))
	a.url = server.URL
	t.Cleanup(func() {
		server.Close()
		ctx := context.Background()
		for _, end := range []func(context.Context) error{history.Close, func(context.Context) error { return verifier.Close() }, b.Close} {
			if err := end(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	return a
}

// publish stores an event with a number.
func (a *archive) publish(channel string, n int64) error {
	c, err := realtime.NewChannel(a.tenant.ID, channel)
	if err != nil {
		return err
	}
	return a.publisher.Publish(context.WithoutCancel(a.t.Context()), a.tenant, []realtime.Publication{{Channel: c, ID: fmt.Sprint("e", n), Tags: map[string]string{"odd": strconv.FormatBool(n%2 == 1)}, Data: []byte(strconv.FormatInt(n, 10))}})
}

func (a *archive) token(c auth.Claims) string {
	a.t.Helper()
	signer, err := auth.NewSigner(a.tenant)
	if err != nil {
		a.t.Fatal(err)
	}
	c.User, c.Expires = "ann", time.Now().Add(time.Hour)
	token, err := signer.Sign(c)
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

func number(t *testing.T, m *tidewire.Message) int64 {
	t.Helper()
	n, err := strconv.ParseInt(string(m.Data), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What topics keep is read page by page over HTTP while events run, on each backend: nothing is missing or twice, and complete is never wrong.
func TestHistoryOverHTTP(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) *archive{
		"memory": func(t *testing.T) *archive {
			a := newArchive(t, "memory", backend.Options{})
			a.exact = true
			return a
		},
		"gcp": func(t *testing.T) *archive {
			return newArchive(t, "gcp:"+emulators.Project(t), backend.Options{PubSubEmulator: servers.PubSub(t), FirestoreEmulator: servers.Firestore(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t)
			began := time.Now().Add(-time.Minute)
			for n := range int64(60) {
				if err := a.publish("news:eu", n); err != nil {
					t.Fatal(err)
				}
				if err := a.publish("few:eu", n); err != nil {
					t.Fatal(err)
				}
				a.published.Add(1)
			}
			stop, stopped := make(chan struct{}), make(chan error, 1)
			go func() { stopped <- a.run(stop) }()
			c, err := api.New(api.Options{URL: a.url, Token: tidewire.StaticToken(a.token(auth.Claims{Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}))})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			a.forward(c, began)
			a.back(c)
			close(stop)
			if err := <-stopped; err != nil {
				t.Fatal(err)
			}
			a.few(c, began)
			a.refusals()
		})
	}
}

// run publishes until it is told to stop.
func (a *archive) run(stop chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
		if err := a.publish("news:eu", a.published.Load()); err != nil {
			return err
		}
		a.published.Add(1)
	}
}

func (a *archive) forward(c *api.Client, began time.Time) {
	a.t.Helper()
	next, before := int64(0), a.published.Load()
	for p, err := range c.HistoryPages(a.t.Context(), "acme", "news:eu", tidewire.HistoryQuery{From: began.Add(50 * time.Second), Limit: 25}) {
		if err != nil {
			a.t.Fatal(err)
		}
		for _, m := range p.Messages {
			n := number(a.t, m)
			if n < next || n != next && (a.exact || p.Complete || m != p.Messages[0]) {
				a.t.Fatalf("forward: %d comes where %d is due, complete %t", n, next, p.Complete)
			}
			next = n + 1
		}
		if next > before+50 { // it may run ahead for ever
			break
		}
	}
	if next < before && a.exact {
		a.t.Errorf("forward: it ends with %d of %d", next, before)
	}
}

func (a *archive) back(c *api.Client) {
	a.t.Helper()
	before, next := a.published.Load(), int64(-1)
	for p, err := range c.HistoryPages(a.t.Context(), "acme", "news:eu", tidewire.HistoryQuery{Limit: 40}) {
		if err != nil {
			a.t.Fatal(err)
		}
		if !p.More && p.Complete {
			a.t.Error("back to the beginning: complete, though nobody knows what was before")
		}
		for i := len(p.Messages) - 1; i >= 0; i-- {
			n := number(a.t, p.Messages[i])
			if next >= 0 && n != next || next < 0 && n < before-1 && (a.exact || p.Complete) {
				a.t.Fatalf("back: %d comes where %d is due, of %d", n, next, before)
			}
			next = n - 1
		}
	}
	if next != -1 && a.exact {
		a.t.Errorf("back: it ends before %d", next)
	}
}

// few has more than its rule lets be read.
func (a *archive) few(c *api.Client, began time.Time) {
	a.t.Helper()
	p, err := c.History(a.t.Context(), "acme", "few:eu", tidewire.HistoryQuery{From: began, Limit: 100})
	if err != nil || p.Complete || len(p.Messages) > 30 || a.exact && (p.More || len(p.Messages) != 30 || number(a.t, p.Messages[0]) != 30) {
		a.t.Fatalf("beyond its rule: %+v, %v", p, err)
	}
	if len(p.Messages) < 5 {
		return
	}
	after := number(a.t, p.Messages[4])
	p, err = c.History(a.t.Context(), "acme", "few:eu", tidewire.HistoryQuery{After: p.Messages[4].Position, Limit: 100, Filter: "tags.odd == 'true'"})
	if err != nil || a.exact && !p.Complete || p.Complete && (p.More || int64(len(p.Messages)) != (60-after)/2) {
		a.t.Errorf("within its rule: %+v, %v", p, err)
	}
}

// refusals asks for what cannot be had. Each answer names what is wrong.
func (a *archive) refusals() {
	all := a.token(auth.Claims{Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}})
	none := a.token(auth.Claims{Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}, History: []realtime.Pattern{}}})
	manager := a.token(auth.Claims{Manage: []realtime.Manage{realtime.ManageHistory}})
	for _, tt := range []struct {
		token, path string
		status      int
		says        string
	}{
		{all, "acme/channels/news:eu/history?limit=0", 400, "limit"},
		{all, "acme/channels/news:eu/history?limit=1001", 400, "limit"},
		{all, "acme/channels/news:eu/history?limit=ten", 400, "limit"},
		{all, "acme/channels/news:eu/history?before=yesterday", 400, "before: must be a position"},
		{all, "acme/channels/news:eu/history?after=-1-a", 400, "after: must be a position"},
		{all, "acme/channels/news:eu/history?from=-5", 400, "from: must be milliseconds"},
		{all, "acme/channels/news:eu/history?to=1e9", 400, "to: must be milliseconds"},
		{all, "acme/channels/news:eu/history?from=9&to=9", 400, "to: must be later than from"},
		{all, "acme/channels/news:eu/history?after=1-a&before=2-b", 400, "before: must be left out"},
		{all, "acme/channels/news:eu/history?after=1-a&from=1", 400, "from: must be left out"},
		{all, "acme/channels/news:eu/history?cursor=sideways+1-a", 400, "cursor: must be the next"},
		{all, "acme/channels/news:eu/history?cursor=before+1-a&before=2-b", 400, "cursor: must be the next"},
		{all, "acme/channels/news:eu/history?cursor=before+now", 400, "must be a position"},
		{all, "acme/channels/news:eu/history?filter=tags.odd+==", 400, "filter"},
		{all, "acme/channels/news:eu/history?fields=", 400, "fields"},
		{all, "acme/channels/news:eu/history?reverse=true", 400, "reverse"},
		{all, "acme/channels/news:*/history", 400, "channel"},
		{none, "acme/channels/news:eu/history", 403, "no grant for the history"},
		{all, "globex/channels/news:eu/history", 403, ""},
		{"", "acme/channels/news:eu/history", 401, ""},
		{manager, "acme/channels/news:eu/history?limit=1", 200, `"messages":[{`},
		{all, "acme/channels/news:none/history?limit=1", 200, `"messages":[]`},
	} {
		req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.url+"/v1/tenants/"+tt.path, nil)
		if err != nil {
			a.t.Fatal(err)
		}
		if tt.token != "" {
			req.Header.Set("Authorization", "Bearer "+tt.token)
		}
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			a.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != tt.status || !strings.Contains(string(text), strings.ReplaceAll(tt.says, `\`, "")) || !json.Valid(text) {
			a.t.Errorf("%s: %d %s, %v; want %d and %q", tt.path, res.StatusCode, text, err, tt.status, tt.says)
		}
	}
}

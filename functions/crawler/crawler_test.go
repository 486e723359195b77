package crawler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published keeps what is published, by key, and refuses what nobody could read.
type published struct {
	mu   sync.Mutex // guards what follows
	all  []realtime.Publication
	err  error
	keys map[string]json.RawMessage
}

func (p *published) Publish(_ context.Context, _ *realtime.Tenant, pubs []realtime.Publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range pubs {
		if err := pubs[i].Check(); err != nil {
			return err
		}
		p.keys[pubs[i].Key] = pubs[i].Data
	}
	p.all = append(p.all, pubs...)
	return p.err
}

func start(t *testing.T, hosts ...string) (*Function, *published) {
	t.Helper()
	tenants, err := memory.NewTenants(&realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"crawl": {State: &realtime.State{}}, "plain": {}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &published{keys: map[string]json.RawMessage{}}
	return New(Options{
		Tenants: tenants, Publisher: p, Hosts: hosts, Logger: slog.New(slog.DiscardHandler),
		Crawl: crawl.Options{Delay: time.Millisecond, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
	}), p
}

func call(f *Function, body string) (int, string) {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func pushed(job string) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":"1"},"subscription":"s"}`, base64.StdEncoding.EncodeToString([]byte(job)))
}

// A pushed job is done, and shown while it is: each page, and how far the crawl is. One that comes again publishes the same events.
func TestJobIsShown(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>%s</title><a href="/a"></a><a href="/b"></a>`, r.URL.Path)
	}))
	t.Cleanup(site.Close)
	host := strings.TrimPrefix(site.URL, "http://")
	f, p := start(t, host)
	job := fmt.Sprintf(`{"id":"j1","tenant":"acme","channel":"crawl:site","start":[%q],"hosts":[%q],"pages":50}`, site.URL, host)
	code, body := call(f, pushed(job))
	if code != http.StatusOK || !strings.Contains(body, `"read":3`) {
		t.Fatalf("%d %s", code, body)
	}
	if len(p.keys) != 4 || !strings.Contains(string(p.keys["progress"]), `"read":3`) || !strings.Contains(string(p.keys["progress"]), `"done":true`) {
		t.Errorf("%s", p.keys)
	}
	first := len(p.all)
	call(f, job) // by hand
	ids := map[string]int{}
	for _, e := range p.all {
		ids[e.ID]++
	}
	if len(p.all) != 2*first || len(ids) != first {
		t.Errorf("%d events at first, then %d with %d IDs", first, len(p.all), len(ids))
	}
	p.err = realtime.Errorf(realtime.CodeUnavailable, "broken")
	if code, _ := call(f, pushed(job)); code != http.StatusServiceUnavailable {
		t.Errorf("a job that could not be shown is answered with %d", code)
	}
}

// What cannot be done is not sent again by Pub/Sub; what the crawler was not given is not read.
func TestRefusedJobs(t *testing.T) {
	t.Parallel()
	f, p := start(t, "example.com", "*.example.org")
	for name, tt := range map[string]struct{ job, want string }{
		"no JSON":           {`{`, "job:"},
		"an unknown field":  {`{"id":"x","depth":3}`, "depth"},
		"no id":             {`{"tenant":"acme","channel":"crawl:x","start":["https://example.com/"],"hosts":["example.com"],"pages":1}`, "id:"},
		"another host":      {`{"id":"x","tenant":"acme","channel":"crawl:x","start":["https://example.net/"],"hosts":["example.net"],"pages":1}`, "TIDEWIRE_CRAWLER_HOSTS"},
		"a host above":      {`{"id":"x","tenant":"acme","channel":"crawl:x","start":["https://example.org/"],"hosts":["example.org"],"pages":1}`, "TIDEWIRE_CRAWLER_HOSTS"},
		"a namespace plain": {`{"id":"x","tenant":"acme","channel":"plain:x","start":["https://example.com/"],"hosts":["example.com"],"pages":1}`, "state"},
		"no tenant":         {`{"id":"x","tenant":"none","channel":"crawl:x","start":["https://example.com/"],"hosts":["example.com"],"pages":1}`, "not-found"},
	} {
		code, body := call(f, pushed(tt.job))
		if code != http.StatusOK || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", name, code, body)
		}
		if code, _ := call(f, tt.job); code < 400 {
			t.Errorf("%s: by hand %d", name, code)
		}
	}
	if len(p.all) > 0 {
		t.Errorf("published %v", p.all)
	}
}

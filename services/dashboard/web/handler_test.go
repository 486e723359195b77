package web_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFiles(t *testing.T) {
	t.Parallel()
	h := web.Handler(web.Options{})
	tests := []struct {
		path   string
		status int
		kind   string
	}{
		{"/", 200, "text/html; charset=utf-8"},
		{"/?tenant=acme&group=index", 200, "text/html; charset=utf-8"},
		{"/tidewire.css", 200, "text/css; charset=utf-8"},
		{"/tidewire.js", 200, "text/javascript; charset=utf-8"},
		{"/dashboards/trading.js", 200, "text/javascript; charset=utf-8"},
		{"/widgets/chart.js", 200, "text/javascript; charset=utf-8"},
		{"/vendor/uplot/uPlot.esm.js", 200, "text/javascript; charset=utf-8"},
		{"/vendor/uplot/LICENSE", 200, "text/plain; charset=utf-8"},
		{"/vendor/yjs/yjs.esm.js", 200, "text/javascript; charset=utf-8"},
		{"/vendor/yjs/LICENSE", 200, "text/plain; charset=utf-8"},
		{"/vendor/natural-earth/europe.json", 200, "application/json"},
		{"/icon.svg", 200, "image/svg+xml"},
		{"/index.html", 404, ""},
		{"/widgets/", 404, ""},
		{"/../handler.go", 404, ""},
		{"/demo/session", 404, ""}, // nobody switched it on
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			w := get(t, h, "http://127.0.0.1:8080"+test.path)
			if w.Code != test.status && (test.status != 404 || w.Code/100 != 3) {
				t.Fatalf("status %d, want %d", w.Code, test.status)
			}
			if kind := w.Header().Get("Content-Type"); test.status == 200 && kind != test.kind {
				t.Errorf("Content-Type %q, want %q", kind, test.kind)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("no nosniff")
			}
		})
	}
}

// Whatever a module or style sheet asks for has to be there, and nothing comes from elsewhere.
func TestEverythingThePageAsksForIsServed(t *testing.T) {
	t.Parallel()
	h := web.Handler(web.Options{})
	asks := regexp.MustCompile(`(?:src|href)="([^"#]+)"|from "([^"]+)"|import\("([^"]+)"\)`)
	seen := map[string]bool{}
	var visit func(target string)
	visit = func(target string) {
		if seen[target] {
			return
		}
		seen[target] = true
		w := get(t, h, "http://127.0.0.1:8080"+target)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", target, w.Code)
			return
		}
		if strings.HasPrefix(target, "/vendor/") || target == "/tidewire.js" {
			return
		}
		for _, m := range asks.FindAllStringSubmatch(w.Body.String(), -1) {
			next := m[1] + m[2] + m[3]
			if strings.Contains(next, "//") {
				t.Errorf("%s asks for %s, which is elsewhere", target, next)
				continue
			}
			base := target[:strings.LastIndex(target, "/")+1]
			switch {
			case strings.HasPrefix(next, "./"):
				next = base + next[2:]
			case strings.HasPrefix(next, "../"):
				next = "/" + next[3:]
			}
			visit(next)
		}
	}
	visit("/")
	if len(seen) < 15 {
		t.Errorf("only %d files were reached: %v", len(seen), seen)
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	h := web.Handler(web.Options{})
	plain := get(t, h, "/shell/shell.js")
	etag := plain.Header().Get("ETag")
	if etag == "" || plain.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("ETag %q, Cache-Control %q", etag, plain.Header().Get("Cache-Control"))
	}
	if w := get(t, h, "/shell/shell.js", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("asked again: status %d, %d bytes; want 304 and none", w.Code, w.Body.Len())
	}

	zipped := get(t, h, "/shell/shell.js", "Accept-Encoding", "br, gzip;q=0.5")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("ETag") == etag {
		t.Fatalf("Content-Encoding %q, ETag %q", zipped.Header().Get("Content-Encoding"), zipped.Header().Get("ETag"))
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain.Body.String(), string(content)); diff != "" {
		t.Errorf("unzipped (-plain +zipped):\n%s", diff)
	}
	for _, refused := range []string{"gzip;q=0", "identity", "br"} {
		if w := get(t, h, "/shell/shell.js", "Accept-Encoding", refused); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got %q", refused, w.Header().Get("Content-Encoding"))
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, host, gateway, connect string }{
		{"own host", "127.0.0.1:8080", "", "connect-src 'self' ws://127.0.0.1:8080 wss://127.0.0.1:8080;"},
		{"IPv6", "[::1]:8080", "", "connect-src 'self' ws://[::1]:8080 wss://[::1]:8080;"},
		{"a gateway elsewhere", "app.example.com", "https://live.example.com",
			"connect-src 'self' ws://app.example.com wss://app.example.com https://live.example.com wss://live.example.com;"},
		{"a host that would add a rule", "a;script-src *", "", "connect-src 'self';"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, web.Handler(web.Options{Gateway: test.gateway}), "/", "Host", test.host)
			policy := w.Header().Get("Content-Security-Policy")
			if !strings.Contains(policy, test.connect) {
				t.Errorf("policy %q, want %q in it", policy, test.connect)
			}
			if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") {
				t.Errorf("policy %q is not strict", policy)
			}
		})
	}
}

func TestDemoSession(t *testing.T) {
	t.Parallel()
	h := web.Handler(web.Options{Gateway: "https://live.example.com", Hosts: []string{"dash.example.com"}, Session: func(_ context.Context, tenant, group string) (web.Session, error) {
		switch tenant {
		case "broken":
			return web.Session{}, errors.New("the secret is in the drawer")
		case "acme":
			return web.Session{Tenant: tenant, User: group + "-desk", Groups: []string{group}, Token: "token"}, nil
		}
		return web.Session{}, realtime.Errorf(realtime.CodeNotFound, "unknown tenant %q", tenant)
	}})
	tests := []struct {
		name, query string
		header      []string
		status      int
		has         string
	}{
		{"a session", "tenant=acme&group=index", nil, 200, `"user":"index-desk","groups":["index"],"token":"token"`},
		{"with its gateway", "tenant=acme&group=index", nil, 200, `"url":"https://live.example.com"`},
		{"by a name of ours", "tenant=acme&group=index", []string{"Host", "Dash.example.com:8080"}, 200, `"token"`},
		{"by localhost", "tenant=acme&group=index", []string{"Host", "localhost:8080"}, 200, `"token"`},
		{"by IPv6", "tenant=acme&group=index", []string{"Host", "[::1]:8080"}, 200, `"token"`},
		{"of its own page", "tenant=acme&group=index", []string{"Sec-Fetch-Site", "same-origin"}, 200, `"token"`},
		{"of another site", "tenant=acme&group=index", []string{"Sec-Fetch-Site", "cross-site"}, 403, `"code":"forbidden"`},
		{"of another port", "tenant=acme&group=index", []string{"Sec-Fetch-Site", "same-site"}, 403, `"code":"forbidden"`},
		{"a name made to point here", "tenant=acme&group=index", []string{"Host", "rebound.example.com:8080"}, 403, `"code":"forbidden"`},
		{"unknown tenant", "tenant=nobody", nil, 404, `unknown tenant \"nobody\"`},
		{"a fault", "tenant=broken", nil, 500, `"code":"internal"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, h, "/demo/session?"+test.query, test.header...)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.has) || strings.Contains(w.Body.String(), "drawer") {
				t.Errorf("status %d, body %s; want %d with %s", w.Code, w.Body, test.status, test.has)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q: a token must not be kept", w.Header().Get("Cache-Control"))
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s is no JSON", w.Body)
			}
		})
	}
}

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler(web.Options{})) // and the gateway at /v1/
	server := httptest.NewServer(mux)
	defer server.Close()

	res, err := server.Client().Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	// Output: 200 OK text/html; charset=utf-8
}

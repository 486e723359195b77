package gateway_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// compressing is a middleware that compresses what it may, and gathers what it compresses.
func compressing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z := &zipped{ResponseWriter: w}
		defer z.close()
		next.ServeHTTP(z, r)
	})
}

type zipped struct {
	http.ResponseWriter
	zip   *gzip.Writer
	begun bool
}

func (z *zipped) begin() {
	if z.begun {
		return
	}
	z.begun = true
	if !strings.Contains(z.Header().Get("Cache-Control"), "no-transform") { // RFC 9111 section 5.2.2.6
		z.Header().Set("Content-Encoding", "gzip")
		z.zip = gzip.NewWriter(z.ResponseWriter)
	}
}

func (z *zipped) WriteHeader(status int) {
	z.begin()
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipped) Write(p []byte) (int, error) {
	if z.begin(); z.zip != nil {
		return z.zip.Write(p)
	}
	return z.ResponseWriter.Write(p)
}

// Flush flushes what is beneath, not what the compressor keeps.
func (z *zipped) Flush() { z.ResponseWriter.(http.Flusher).Flush() }

func (z *zipped) close() {
	if z.zip != nil {
		_ = z.zip.Close()
	}
}

// hiding is a middleware of a kind that there is much of: it wraps the writer and forgets what else that can do.
func hiding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(struct{ http.ResponseWriter }{w}, r) })
}

// unwrapping is one that does it right.
func unwrapping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(unwraps{w}, r) })
}

type unwraps struct{ http.ResponseWriter }

func (u unwraps) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// behind lets requests go through a middleware.
func (s *service) behind(middleware func(http.Handler) http.Handler) {
	front := httptest.NewServer(middleware(s.gateway))
	s.t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	s.url = front.URL
}

// proxying is a reverse proxy before the service.
func (s *service) proxying() func(http.Handler) http.Handler {
	to, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(http.Handler) http.Handler {
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	}
}

// Events come at once through what compresses, through a proxy, and through middleware that wraps the writer as it should.
func TestEventsThroughOthers(t *testing.T) {
	t.Parallel()
	for name, middleware := range map[string]func(*service) func(http.Handler) http.Handler{
		"compression":          func(*service) func(http.Handler) http.Handler { return compressing },
		"an unwrapping writer": func(*service) func(http.Handler) http.Handler { return unwrapping },
		"a proxy":              (*service).proxying,
		"compression and proxy": func(s *service) func(http.Handler) http.Handler {
			p := s.proxying()
			return func(h http.Handler) http.Handler { return compressing(p(h)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, gateway.Options{})
			writer := s.connect("acme", "writer")
			s.behind(middleware(s))
			p := s.open(s.token("acme", "ann"), "", "a:1")
			p.expect("", `{}`)
			p.expect("welcome", `{}`)
			p.expect("ok", `{}`)
			for range 3 {
				writer.send(`{"type":"publish","id":1,"channel":"a:1","data":1}`)
				p.expect("", `{"type":"message","data":1}`)
			}
			if enc := p.resp.Header.Get("Content-Encoding"); enc != "" {
				t.Errorf("the events are encoded: %s", enc)
			}
			p.leave()
		})
	}
}

// Where nothing can be flushed that is said, by a status that ends an EventSource, and nobody takes a seat.
func TestEventsThatCannotBeFlushed(t *testing.T) {
	t.Parallel()
	for name, middleware := range map[string]func(http.Handler) http.Handler{
		"a middleware that hides it": hiding,
		"http.TimeoutHandler":        func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, gateway.Options{})
			s.behind(middleware)
			resp := s.get("/v1/events?channel=a:1", http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), "Flush") || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s, %v", resp.Status, body, err)
			}
			if s.counts.of(realtime.CountConnects, "events") != 0 {
				t.Error("the client was let in")
			}
		})
	}
}

// Who is closed with a code that says stop is told so when it comes back, as an EventSource always does.
func TestClosedForGoodStaysAway(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	doc, err := s.tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	for code, stops := range map[realtime.Code]bool{realtime.CodeForbidden: true, realtime.CodeReplaced: true, realtime.CodeUnavailable: false, realtime.CodeDraining: false} {
		token := s.token("acme", "user-"+string(code))
		p := s.open(token, "", "a:1")
		p.expect("", `{}`)
		e := p.expect("welcome", `{}`)
		p.expect("ok", `{}`)
		if err := s.gateway.Publisher().SendClose(t.Context(), doc, realtime.Target{Connection: e.frame.Connection}, code, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if e := p.expect("closing", `{"type":"error","code":"`+string(code)+`"}`); (e.id == "stopped") != stops {
			t.Errorf("%s: the last id is %q", code, e.id)
		}
		if _, more := p.next(); more {
			t.Errorf("%s: the stream goes on", code)
		}
		resp := s.get("/v1/events?channel=a:1", http.Header{"Authorization": {"Bearer " + token}, "Last-Event-Id": {p.lastID}})
		if want := map[bool]int{true: 204, false: 200}[stops]; resp.StatusCode != want || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: it comes back to %s, want %d", code, resp.Status, want)
		}
		_ = resp.Body.Close()
	}
}

package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

const note = `document.querySelector("#note").hidden ? "" : document.querySelector("#note").innerText`

// arbitraryURL opens the page with values that no link of ours has. Each falls back, and that is said.
func arbitraryURL(t *testing.T, browser chromium, d dev) {
	long := strings.Repeat("x", 300)
	p := openTab(t, browser, d.URL+"/", desk)
	for _, tt := range []struct{ query, note string }{
		{"", ""},
		{"span=5&sort=-price&charts=IBM&q=", ""},
		{"foo=bar&span=", ""},
		{"span=banana", "“banana” is not a time span: 2 min are shown."},
		{"span=0", "“0” is not a time span"}, {"span=-1", "is not a time span"}, {"span=1e9", "is not a time span"}, {"span=__proto__", "is not a time span"}, {"span=NaN&span=1", "“NaN” is not a time span"},
		{"sort=constructor", "“constructor” is not a column to sort by: the symbol is used."}, {"sort=--price", "is not a column"},
		{"channel=a%20b", "“a b” is not a channel: your first one is shown."}, {"channel=" + long, "…” is not a channel"}, {"channel=:::", "is not a channel"}, {"channel=prices:*", "is not a channel"},
		{"tenant=%00acme", "is not a tenant"}, {"group=" + long, "is not a group"}, {"q=%07", "is not a filter"},
		{"charts=banana,split", "No chart of “banana,split”: all are shown."}, {"charts=%3Cimg%20src%3Dx%3E", "No chart of “<img src=x>”"},
		{"span=%E0%A4%A&sort=x&channel=%20&q=%00", "is not a column to sort by"},
	} {
		p.do(chromedp.Navigate(d.URL + "/?" + tt.query))
		p.waitFor("prices with "+tt.query, hasPrices(5))
		if tt.note == "" {
			if got := value[string](p, note); got != "" {
				t.Errorf("?%s: it notes %q", tt.query, got)
			}
			continue
		}
		p.waitFor("a note for "+tt.query, "("+note+").includes(`"+tt.note+"`)")
		p.waitFor("charts with "+tt.query, `document.querySelectorAll(".chart[data-key]").length === 5`)
		if got := value[string](p, `document.querySelector("#span").value`); got != "2" {
			t.Errorf("?%s: the span is %q", tt.query, got)
		}
	}
	if *screenshots != "" {
		shoot(t, p, "note")
	}
	value[any](p, `document.querySelector("#note button").click()`)
	p.waitFor("no note", `document.querySelector("#note").hidden`)
}

// failing is a proxy before a dev that answers the first requests of a path in its own way.
func failing(t *testing.T, d dev, path string, answers ...http.HandlerFunc) (address string) {
	t.Helper()
	to, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // by which the page is told whom it may talk to
	}}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := pass.ServeHTTP
		if r.URL.Path == path && len(answers) > 0 {
			answer, answers = answers[0], answers[1:]
		}
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// failsAtLoad has the server fail in all the ways in which it may be better a moment later.
func failsAtLoad(t *testing.T, browser chromium, d dev) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"tok`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, answers := range map[string][]http.HandlerFunc{
		"500":            {status(500, `{"code":"internal","detail":"a fault of the server"}`, "Content-Type", "application/problem+json")},
		"502 of a proxy": {status(502, "<html>Bad Gateway</html>"), status(503, "", "Retry-After", "1")},
		"429":            {status(429, `{"code":"limited","detail":"over it","retryAfterMs":700}`)},
		"another page":   {status(200, "<html>Log in to the hotel's network</html>")},
		"an empty one":   {status(200, `{}`)},
		"cut off":        {cut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openTab(t, browser, failing(t, d, "/demo/session", answers...), desk)
			p.cut = true
			p.waitFor("what is wrong, and that it is tried again", `/The server/.test(`+noticeSay+`) && `+words+`.startsWith("Reconnecting")`)
			p.waitFor("prices, by itself", hasPrices(5))
			p.waitFor("no notice", `document.querySelector("#notice").hidden`)
		})
	}
	t.Run("a module", func(t *testing.T) {
		t.Parallel()
		p := openTab(t, browser, failing(t, d, "/prices.js", status(500, "no"), status(500, "no")), desk)
		p.cut = true
		p.waitFor("that it is not loaded", `/could not be loaded\.\s+The page retries/.test(document.querySelector("#notice")?.innerText)`)
		p.waitFor("prices, by itself", `document.querySelectorAll("#table tr[data-key]").length === 5`)
	})
}

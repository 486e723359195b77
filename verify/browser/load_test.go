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
		{"span=5&sort=-price&symbol=USDSEK&q=", ""},
		{"foo=bar&span=", ""},
		{"span=banana", "“banana” is not a time span: 2 h are shown."},
		{"span=0", "“0” is not a time span"}, {"span=__proto__", "is not a time span"}, {"span=NaN&span=5", "“NaN” is not a time span"},
		{"sort=constructor", "“constructor” is not a column to sort by: the symbol is used."}, {"sort=--price", "is not a column"},
		{"symbol=" + long, "is not a symbol"}, {"tenant=%00acme", "is not a tenant"}, {"q=%07", "is not a filter"},
		{"layout=r(watchlist)", "“r(watchlist)” is not a layout"}, {"layout=%3Cimg%3E", "“<img>” is not a layout"}, {"layout=" + strings.Repeat("r(", 200), "is not a layout"},
		{"alone=nothing", "“nothing” is not a panel: all are shown."}, {"dashboard=toString", "“toString” is not a dashboard"}, {"dashboard=nothing", "There is no dashboard “nothing” for you"},
		{"span=%E0%A4%A&sort=x&symbol=%20&q=%00", "is not a column to sort by"},
	} {
		p.do(chromedp.Navigate(d.URL + "/?group=currencies&" + tt.query))
		p.waitFor("rates with "+tt.query, hasPrices(acmeCurrencies))
		if tt.note == "" {
			if got := value[string](p, note); got != "" {
				t.Errorf("?%s: it notes %q", tt.query, got)
			}
			continue
		}
		p.waitFor("a note for "+tt.query, "("+note+").includes(`"+tt.note+"`)")
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
			p.waitFor("prices, by itself", hasPrices(acmeShares))
			p.waitFor("no notice", `document.querySelector("#notice").hidden`)
		})
	}
	t.Run("a module", func(t *testing.T) {
		t.Parallel()
		p := openTab(t, browser, failing(t, d, "/shell/panels.js", status(500, "no"), status(500, "no")), desk)
		p.cut = true
		p.waitFor("that it is not loaded", `/could not be loaded\.\s+The page retries/.test(document.querySelector("#notice")?.innerText)`)
		p.waitFor("prices, by itself", hasPrices(acmeShares))
	})
}

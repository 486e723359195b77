package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tidewire/tidewire/clients/js"
)

// sharingPage keeps what it was told in seen, and in mine whether it holds the socket.
const sharingPage = `<!doctype html><meta charset="utf-8"><title>shares</title><link rel="icon" href="data:,"><script type="module">
import { connect } from "/tidewire.js";
window.mine = null;
class Mine extends WebSocket { constructor(...args) { super(...args); window.mine = this; } }
window.seen = []; window.pause = 0;
let last = 0;
const client = window.client = connect("/v1/socket", { token: "%s", share: true, WebSocket: Mine, backoffMs: 100 });
client.on("error", (error) => console.warn(error.message));
client.subscribe("ticks:a", ({ data }) => {
	if (last) window.pause = Math.max(window.pause, Date.now() - last);
	last = Date.now();
	seen.push(data);
}, { onGap: () => seen.push("gap") });
</script>`

// shop serves the page and what it asks of the gateway, and counts the sockets that are open.
type shop struct {
	URL     string
	sockets atomic.Int64
	most    atomic.Int64
}

func startShop(t *testing.T, d dev) *shop {
	t.Helper()
	s := &shop{}
	to, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	gateway := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, sharingPage, d.Token)
	})
	mux.HandleFunc("GET /tidewire.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(js.Source)
	})
	mux.HandleFunc("GET /v1/socket", func(w http.ResponseWriter, r *http.Request) {
		s.most.Store(max(s.most.Load(), s.sockets.Add(1)))
		defer s.sockets.Add(-1)
		gateway.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// producer publishes 0, 1, 2 and so on, until it is stopped.
type producer struct {
	published atomic.Int64
	stop      func()
}

func startProducer(t *testing.T, d dev) *producer {
	t.Helper()
	p, done, running := &producer{}, make(chan struct{}), sync.WaitGroup{}
	running.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			body := fmt.Sprintf(`[{"channel":"ticks:a","data":%d}]`, p.published.Load())
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/tenants/acme/events", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+d.Token)
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("publishing: %s", answer.Status)
				return
			}
			p.published.Add(1)
		}
	})
	p.stop = sync.OnceFunc(func() {
		close(done)
		running.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

const holds = `window.mine !== null && window.mine.readyState === 1`

// TestTabsShareASocket: twelve tabs have one socket. That of the tab which holds it ends with its renderer, and another time the tab is frozen: the
// others go on, and none has lost anything or been told anything twice.
func TestTabsShareASocket(t *testing.T) {
	t.Parallel()
	d := startDev(t, built.Path(t, "cmd/tidewire"), "--demo=false", "--tenants", tenantsFile(t, `{"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "`+strings.Repeat("s", 32)+`"}]}, "origins": ["*"], "limits": {"connectsPerSecond": 100, "publishesPerSecond": 1000}}`))
	s, browser := startShop(t, d), startChromium(t)
	var tabs []*tab
	for range 12 {
		p := openTab(t, browser, s.URL, desk)
		p.cut = true
		tabs = append(tabs, p)
	}
	for _, p := range tabs {
		p.waitFor("that it is live", `window.client?.state.name === "live"`)
	}
	ticks := startProducer(t, d)
	for _, p := range tabs {
		p.waitFor("something published", `seen.length > 10`)
	}
	if n, most := s.sockets.Load(), s.most.Load(); n != 1 || most != 1 {
		t.Errorf("%d sockets are open, and %d at once were: must be one", n, most)
	}

	tabs = without(t, tabs, func(leader *tab) {
		go func() { _, _ = chromedp.Call(leader.ctx, page.Crash, cdp.Empty{}) }() // there is nobody to answer
	})
	goOn(t, s, tabs, ticks, "after the renderer was killed")

	var frozen *tab
	rest := without(t, tabs, func(leader *tab) {
		frozen = leader
		lifecycle(leader, page.SetWebLifecycleStateStateFrozen)
	})
	goOn(t, s, rest, ticks, "after the tab was frozen")
	lifecycle(frozen, page.SetWebLifecycleStateStateActive)
	goOn(t, s, append(rest, frozen), ticks, "after it has come back")

	ticks.stop()
	last := ticks.published.Load() - 1
	for _, p := range append(rest, frozen) {
		p.waitFor("all that was published", fmt.Sprintf(`seen.at(-1) === %d`, last))
		if wrong := value[string](p, `seen.map((n, i) => i && n !== seen[i - 1] + 1 ? seen.slice(i - 2, i + 2).join(" ") : "").filter(Boolean).join(", ")`); wrong != "" {
			t.Errorf("a tab was told %s", wrong)
		}
	}
}

// without does something to the tab that holds the socket, and returns the others.
func without(t *testing.T, tabs []*tab, do func(leader *tab)) []*tab {
	t.Helper()
	var rest []*tab
	var leader *tab
	for _, p := range tabs {
		if leader == nil && value[bool](p, holds) {
			leader = p
			continue
		}
		rest = append(rest, p)
	}
	if leader == nil {
		t.Fatal("no tab holds the socket")
	}
	for _, p := range rest {
		value[int](p, `window.pause = 0`)
	}
	do(leader)
	return rest
}

// goOn waits until the tabs are told what is published from now on.
func goOn(t *testing.T, s *shop, tabs []*tab, ticks *producer, when string) {
	t.Helper()
	from := ticks.published.Load() + 50
	pause := 0
	for _, p := range tabs {
		p.waitFor("what is published "+when, fmt.Sprintf(`seen.at(-1) > %d`, from))
		pause = max(pause, value[int](p, `window.pause`))
	}
	t.Logf("%s: nobody waited longer than %d ms, %d sockets", when, pause, s.sockets.Load())
	waitForOne(t, s)
}

func waitForOne(t *testing.T, s *shop) {
	t.Helper()
	for end := time.Now().Add(patience); s.sockets.Load() != 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d sockets are open after %v", s.sockets.Load(), patience)
		}
	}
}

func lifecycle(p *tab, state page.SetWebLifecycleStateState) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state}); err != nil {
		p.t.Fatal(err)
	}
}

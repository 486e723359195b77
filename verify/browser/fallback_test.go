package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/clients/js"
)

// blockedPage reads a channel by whatever way there is, and keeps what it was told in seen.
const blockedPage = `<!doctype html><meta charset="utf-8"><title>blocked</title><link rel="icon" href="data:,"><script type="module">
import { connect } from "/tidewire.js";
window.seen = [];
const client = window.client = connect("/v1/socket", { token: "%s", backoffMs: 100 });
client.on("error", (error) => console.info(error.message));
client.subscribe("ticks:a", ({ data }) => seen.push(data), { onGap: () => seen.push("gap") });
</script>`

// TestWhereSocketsAreBlocked: behind a proxy that refuses upgrades, a page goes on over events and publishes by requests, and comes back to a WebSocket when one
// gets through. It is told everything once and in order.
func TestWhereSocketsAreBlocked(t *testing.T) {
	t.Parallel()
	d := startDev(t, built.Path(t, "cmd/tidewire"), "--demo=false", "--tenants", tenantsFile(t, `{"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "`+strings.Repeat("s", 32)+`"}]}, "origins": ["*"], "limits": {"connectsPerSecond": 100, "publishesPerSecond": 1000}}`))
	to, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	gateway := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	var blocked atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, blockedPage, d.Token)
	})
	mux.HandleFunc("GET /tidewire.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(js.Source)
	})
	mux.Handle("/v1/events", gateway)
	sockets := newCutter()
	mux.HandleFunc("GET /v1/socket", func(w http.ResponseWriter, r *http.Request) {
		if blocked.Load() {
			http.Error(w, "no upgrades here", http.StatusForbidden)
			return
		}
		ctx, end := sockets.begin(r.Context())
		defer end()
		gateway.ServeHTTP(w, r.WithContext(ctx))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)

	p := openTab(t, startChromium(t), server.URL, desk)
	p.cut = true
	p.waitFor("a WebSocket", `window.client?.state.transport === "websocket"`)
	ticks := startProducer(t, d)
	p.waitFor("something published", `seen.length > 10`)
	blocked.Store(true)
	sockets.cut()
	p.waitFor("events instead", `client.state.transport === "sse"`)
	p.waitFor("that it goes on", fmt.Sprintf(`seen.at(-1) > %d`, ticks.published.Load()+20))
	value[any](p, `void client.publish("ticks:b", 1, { wait: true }).then(({ event }) => (window.published = event))`)
	p.waitFor("that its own is published", `typeof window.published === "string"`)
	blocked.Store(false)
	value[any](p, `void dispatchEvent(new Event("online"))`)
	p.waitFor("a WebSocket again", `client.state.transport === "websocket"`)
	p.waitFor("that it goes on", fmt.Sprintf(`seen.at(-1) > %d`, ticks.published.Load()+20))
	ticks.stop()
	p.waitFor("all that was published", fmt.Sprintf(`seen.at(-1) === %d`, ticks.published.Load()-1))
	if wrong := value[string](p, `seen.map((n, i) => i && n !== seen[i - 1] + 1 ? seen.slice(i - 2, i + 2).join(" ") : "").filter(Boolean).join(", ")`); wrong != "" {
		t.Errorf("the page was told %s", wrong)
	}
}

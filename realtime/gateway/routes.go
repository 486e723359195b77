package gateway

import (
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/eventstream"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/problem"
)

func (g *Gateway) newRoutes(events *eventstream.Server) *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /v1/socket", g.serveSocket)
	m.Handle("GET /v1/events", events)
	m.HandleFunc("POST /v1/events", events.ServeFrames)
	m.HandleFunc("GET /v1/yjs/{channel...}", g.serveDocument)
	m.HandleFunc("OPTIONS /v1/events", eventstream.Preflight)
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { healthy(w) })
	m.HandleFunc("GET /readyz", g.serveReady)
	m.HandleFunc("/", notFound)
	return m
}

// ServeHTTP serves the paths of a Gateway. None of them but POST /v1/events takes a body: a request that declares one is refused, and nobody
// waits for what it declares.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Method == http.MethodPost && r.URL.Path == "/v1/events" {
		if bad := contain.Do(g.o.Logger, g.o.Metrics, contain.Request, func() { g.routes.ServeHTTP(w, r) }); bad != nil {
			refusal.Write(w, bad) // nothing happens if the socket is its own by now
		}
		return
	}
	// The server would read the body before it answers, and wait for all time if it has no deadline.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // a writer that knows none is some middleware's
	w.Header().Set("Connection", "close")
	if _, pattern := g.routes.Handler(r); pattern == "/" {
		notFound(w, r)
		return
	}
	refusal.Write(w, realtime.Errorf(realtime.CodeBadRequest, "body: no path of a gateway but POST /v1/events accepts one; send the request without it"))
}

func (g *Gateway) serveReady(w http.ResponseWriter, _ *http.Request) {
	err := g.tracker.Ready()
	if err == nil {
		err = g.registration.Err()
	}
	if err != nil {
		problem.Write(w, err)
		return
	}
	healthy(w)
}

func healthy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n")) // the client may be gone: nobody is left to tell
}

func notFound(w http.ResponseWriter, r *http.Request) {
	problem.Write(w, realtime.Errorf(realtime.CodeNotFound, "no such path: %.100q; a gateway serves GET /v1/socket, /v1/events, /v1/yjs/CHANNEL, /healthz and /readyz", r.URL.Path))
}

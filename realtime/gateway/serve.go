package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/tidewire/tidewire/realtime/httpserver"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

// ListenAndServe serves h at a TCP address, such as "127.0.0.1:8080", as Serve does.
func (g *Gateway) ListenAndServe(ctx context.Context, address string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Join(err, g.Close(ctx))
	}
	return g.Serve(ctx, l, h)
}

// Serve serves h on l until ctx ends, and then drains and closes the gateway, within the time that package shutdown
// grants; what that meets with is its error. h is what the program has mounted the gateway in; nil is the
// gateway alone. It closes l. No request lives for ever: headers, bodies and answers have deadlines, so that
// http.ListenAndServe, which has none, should not be used in its place. A handler in h that takes longer than a minute sets
// its own by http.ResponseController.
func (g *Gateway) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	if h == nil {
		h = g
	}
	s := httpserver.New(h, httpserver.Options{Metrics: g.o.Metrics, Logger: g.o.Logger})
	broken := make(chan error, 1)
	go func() { broken <- s.Serve(l) }()
	var err error
	select {
	case err = <-broken:
		broken <- nil
	case <-ctx.Done():
	}
	ending, cancel := shutdown.Begin(ctx)
	defer cancel()
	// The server goes on meanwhile: who comes now is told when to come back.
	return errors.Join(err, shutdown.End(ending, g.Close, s.Close), <-broken)
}

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime/problem"
)

// drainTime is what Serve gives clients to go: Cloud Run ends a process ten
// seconds after it has asked it to.
const drainTime = 8 * time.Second

// ListenAndServe serves h at a TCP address, such as "127.0.0.1:8080", as Serve does.
func (g *Gateway) ListenAndServe(ctx context.Context, address string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Join(err, g.Close(ctx))
	}
	return g.Serve(ctx, l, h)
}

// Serve serves h on l until ctx ends, and then drains and closes the gateway;
// what that meets with is its error. h is what the program has mounted the gateway in; nil is the
// gateway alone. It closes l. No request lives for ever: headers, bodies and answers have deadlines, so that
// http.ListenAndServe, which has none, should not be used in its place. A handler in h that takes longer than a minute sets
// its own by http.ResponseController.
func (g *Gateway) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	if h == nil {
		h = g
	}
	server := &http.Server{ // sockets and streams of events set deadlines of their own
		Handler: problem.Contain(h, g.o.Logger, g.o.Metrics), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ConnState: newHalfOpen(maxHalfOpen).state,
		ErrorLog:  slog.NewLogLogger(g.o.Logger.Handler(), slog.LevelDebug),
	}
	served := make(chan struct{})
	var broken error // of the listener
	go func() {
		defer close(served)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			broken = err
		}
	}()
	select {
	case <-served:
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := errors.Join(g.Close(drain), server.Shutdown(drain))
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-served
	return errors.Join(broken, err)
}

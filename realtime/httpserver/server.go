// Package httpserver is the one HTTP server of gateways, services and functions: no request on it lives for ever, half-open
// connections are bounded, panics end a request and nothing else, and it ends in time.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

// Options configure a Server. The zero value works.
type Options struct {
	Metrics realtime.Metrics // of panics; nil forgets
	Logger  *slog.Logger     // nil discards
}

// Server serves a handler on one listener. Headers, bodies and answers have deadlines, so a handler that takes longer than a
// minute, such as one that upgrades or streams, sets its own by http.ResponseController. Its methods are safe for concurrent use.
type Server struct {
	http *http.Server
	half *halfOpen
	life context.Context // of all requests; canceled when they have to come to an end
	cut  context.CancelFunc
}

// New returns a Server of h. Close it, whether it has served or not.
func New(h http.Handler, o Options) *Server {
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{half: newHalfOpen(maxHalfOpen)}
	s.life, s.cut = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           problem.Contain(h, o.Logger, o.Metrics),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return s.life },
		ConnState:   s.half.state,
		ErrorLog:    slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve serves on l, which it closes, until Close is called or l breaks, which is its error.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// headersWithin is what headers have that are on their way when the server closes.
const headersWithin = 200 * time.Millisecond

// answerWithin is what handlers have to answer when the wait for what they wait for is over.
const answerWithin = time.Second

// Close takes no connection any more and lets the requests end that are under way. A second before ctx ends their contexts
// do, so that one that waits for a store is answered rather than cut off; with ctx the connections that are left are closed.
// Those without a request, such as browsers and clients open in advance, are closed after a moment: http.Server alone waits five seconds for the first one.
// Connections that were hijacked, such as WebSockets, are not the server's any more.
func (s *Server) Close(ctx context.Context) error {
	waiting, cancel := shutdown.Before(ctx, answerWithin)
	defer cancel()
	stop := context.AfterFunc(waiting, s.cut)
	defer stop()
	defer s.cut()
	silent := time.AfterFunc(headersWithin, s.half.closeAll)
	defer silent.Stop()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

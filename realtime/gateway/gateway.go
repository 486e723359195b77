package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Gateway is an http.Handler that holds sockets and streams of events. It serves
//
//	GET /v1/socket   the socket protocol
//	GET /v1/events   Server-Sent Events
//	GET /healthz     200 while the process serves
//	GET /readyz      200 while new connections are welcome, else 503
//
// and answers every other path with 404. It is safe for concurrent use.
type Gateway struct {
	o         Options
	protocols []*protocol // that sockets speak
	hub       *hub.Hub
	acceptor  *socket.Acceptor
	verifier  *auth.Verifier
	roll      *roll // nil without a registry
	watch     *watch
	routes    *http.ServeMux

	// life is the context of what no request's context covers: sockets, and
	// the hooks of their frames. It ends when Close gives up waiting or is done.
	life context.Context
	end  context.CancelFunc
	// arriving is the context of handshakes: what they wait for may hang. It ends when the gateway drains.
	arriving context.Context
	arrived  context.CancelFunc

	pending *pendingClients

	exited chan struct{} // holds one: somebody has exited

	mu       sync.Mutex // guards all below
	entered  map[client]struct{}
	requests int                // of clients whose request has not ended
	holding  context.CancelFunc // ends a hold; nil without one
	draining bool
	empty    chan struct{} // closed when draining and nobody is left
}

// client is a socket or a stream of events that has entered.
type client interface {
	// close tells the client why and ends its connection. It does not wait.
	close(err *realtime.Error)
	// obey puts the limits of a newer document in force. The client has been welcomed.
	obey(l realtime.Limits)
}

// New returns a Gateway. Close it.
func New(o Options) (*Gateway, error) { return newGateway(o, protocols()) }

// newGateway returns a Gateway whose sockets speak some protocols, at least one.
func newGateway(o Options, speaks []*protocol) (*Gateway, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gateway{o: o, protocols: speaks, verifier: o.Verifier, entered: map[client]struct{}{}, empty: make(chan struct{}), exited: make(chan struct{}, 1), pending: newPendingClients()}
	g.life, g.end = context.WithCancel(context.Background())
	g.arriving, g.arrived = context.WithCancel(g.life)
	g.hub = hub.New(o.Broker, hub.Options{
		Instance: o.Instance, Payload: wire.Compact, Placement: o.Placement, Lifetime: o.Lifetime, Pace: o.Pace, Budget: o.Budget, Metrics: o.Metrics, Tracer: o.Tracer, Logger: o.Logger,
	})
	g.acceptor = socket.NewAcceptor(socket.Options{
		Subprotocols: names(g.protocols), Compress: o.Compress, ReadLimit: maxUnknownFrame, WriteTimeout: o.WriteTimeout,
		DeadAfter: 5 * g.hub.Pace().Heartbeat / 2, // as protocol.md tells clients to judge the server
		Logger:    o.Logger, Metrics: o.Metrics,
	})
	if g.verifier == nil {
		g.verifier = auth.New(o.Tenants, auth.Options{Logger: o.Logger, Metrics: o.Metrics, Revocations: o.Revocations})
	}
	if o.Registry != nil {
		g.roll = newRoll(o.Registry, realtime.Lease{
			Instance: o.Instance, Service: o.Service, Revision: o.Revision, Region: o.Region, Started: time.Now(),
		}, o.Logger, o.Metrics)
	}
	g.watch = newWatch(g)
	g.routes = http.NewServeMux()
	g.routes.HandleFunc("GET /v1/socket", g.serveSocket)
	g.routes.HandleFunc("GET /v1/events", g.serveEvents)
	g.routes.HandleFunc("OPTIONS /v1/events", preflight)
	g.routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { healthy(w) })
	g.routes.HandleFunc("GET /readyz", g.serveReady)
	g.routes.HandleFunc("/", notFound)
	return g, nil
}

// Hub returns what this instance holds, for a program that wants to look.
func (g *Gateway) Hub() *hub.Hub { return g.hub }

// Publisher returns what publishes for the clients. A program that publishes
// itself to the same Broker uses it.
func (g *Gateway) Publisher() *publish.Publisher { return g.o.Publisher }

// ServeHTTP serves the paths of a Gateway. None of them takes a body: a request that declares one is refused, and nobody
// waits for what it declares.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		if bad := contain.Do(g.o.Logger, g.o.Metrics, contain.Request, func() { g.routes.ServeHTTP(w, r) }); bad != nil {
			refuseRequest(w, bad) // nothing happens if the socket is its own by now
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
	refuseRequest(w, realtime.Errorf(realtime.CodeBadRequest, "body: no path of a gateway accepts one; send the request without it"))
}

func (g *Gateway) serveReady(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	err := g.ready()
	g.mu.Unlock()
	if err == nil && g.roll != nil {
		err = g.roll.err()
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
	problem.Write(w, realtime.Errorf(realtime.CodeNotFound, "no such path: %.100q; a gateway serves GET /v1/socket, /v1/events, /healthz and /readyz", r.URL.Path))
}

// ready says why nobody may enter, if so. g.mu is held.
func (g *Gateway) ready() error {
	if g.draining {
		return going(time.Second, time.Second)
	}
	return nil
}

// going is what is said while draining. Each client is told another time to come back.
func going(after, spread time.Duration) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away; connect again for another one", RetryAfter: after + random(spread)}
}

// enter takes a client in; it has to exit. Nobody may enter once Close has been called.
func (g *Gateway) enter(c client) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.ready(); err != nil {
		return err
	}
	g.entered[c] = struct{}{}
	g.arrives()
	return nil
}

// exit is the last thing a client does: nothing of it runs any more.
func (g *Gateway) exit(c client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.entered, c)
	select {
	case g.exited <- struct{}{}:
	default:
	}
	if g.draining && len(g.entered) == 0 {
		close(g.empty)
	}
}

// Close drains: it takes nobody in, asks every client to come back later, each at another time, ends the lease and lets
// the topics go meanwhile, and waits until all of that is done. A second before the deadline of ctx, or when ctx
// ends if it has none, it cuts off the clients that are left; what has not ended within that second is left behind. Its
// error says so. A program calls it before it shuts its http.Server down, which does not know sockets.
func (g *Gateway) Close(ctx context.Context) error {
	if !g.drain() {
		return g.gone(ctx) // somebody else closes it
	}
	// What the instance holds elsewhere is let go while clients are told: whatever of it hangs must not keep them waiting, and
	// what is not let go stays for others to clean up.
	released := make(chan error, 1)
	go func() { released <- g.releaseAll(ctx) }()
	for _, c := range g.clients() {
		c.close(going(500*time.Millisecond, g.o.DrainSpread))
	}
	g.arrived()
	leaving, cancel := shutdown.Before(ctx, cutOff)
	defer cancel()
	err := g.gone(leaving)
	last := ctx // until when what the instance holds may still be let go
	g.end()
	if err != nil {
		g.o.Logger.WarnContext(ctx, "clients were cut off", realtime.KeyCount, len(g.clients()))
		cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutOff)
		defer cancel()
		err = errors.Join(err, g.gone(cut))
		last = cut
	}
	select {
	case failed := <-released:
		return errors.Join(err, failed)
	case <-last.Done():
		return errors.Join(err, fmt.Errorf("release the resources of the instance: %w", last.Err()))
	}
}

// cutOff is how long clients that were cut off may take to end.
const cutOff = time.Second

// releaseAll gives back what the instance holds elsewhere: lease and topics at once, for each may hang.
func (g *Gateway) releaseAll(ctx context.Context) error {
	lease := make(chan error, 1)
	go func() {
		if g.roll == nil {
			lease <- nil
			return
		}
		lease <- g.roll.close(ctx)
	}()
	err := g.hub.Drain(ctx) // which leaves the clients to Close: a Hub would have all of them come back at the same time
	g.watch.close()
	if g.o.Verifier == nil {
		err = errors.Join(err, g.verifier.Close())
	}
	return errors.Join(err, <-lease)
}

// drain lets nobody in any more. It reports whether this was the first call.
func (g *Gateway) drain() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.draining = true
	g.release()
	if len(g.entered) == 0 {
		close(g.empty)
	}
	return true
}

// gone waits until nobody is left. If that is so, it is no error that ctx has ended.
func (g *Gateway) gone(ctx context.Context) error {
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-g.empty:
		return nil
	default:
		return ctx.Err()
	}
}

func (g *Gateway) clients() []client {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]client, 0, len(g.entered))
	for c := range g.entered {
		all = append(all, c)
	}
	return all
}

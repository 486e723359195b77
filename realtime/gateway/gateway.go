package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/gateway/internal/eventstream"
	"github.com/tidewire/tidewire/realtime/gateway/internal/lifecycle"
	"github.com/tidewire/tidewire/realtime/gateway/internal/occupancy"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/registration"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// Gateway is an http.Handler that holds sockets and streams of events. It serves
//
//	GET /v1/socket   the socket protocol
//	GET /v1/events   Server-Sent Events
//	POST /v1/events  frames of the socket protocol, answered by Server-Sent Events
//	GET /v1/yjs/...  documents, for clients of y-websocket
//	GET /healthz     200 while the process serves
//	GET /readyz      200 while new connections are welcome, else 503
//
// and answers every other path with 404. It is safe for concurrent use.
type Gateway struct {
	o         Options
	protocols []*session.Protocol // that sockets speak
	routes    *http.ServeMux
	hub       *hub.Hub
	acceptor  *socket.Acceptor
	documents *socket.Acceptor
	verifier  *auth.Verifier
	reporter  refusal.Reporter

	registration *registration.Writer // nil without a registry
	occupancy    *occupancy.Teller
	admission    *admission.Gate
	clients      *clients.Set
	sessions     *session.Config
	tracker      *lifecycle.Tracker

	// life is the context of what no request's context covers: sockets, and
	// the hooks of their frames. It ends when Close gives up waiting or is done.
	life context.Context
	end  context.CancelFunc
	// endHandshakes ends what handshakes wait for, which may hang, when the gateway drains.
	endHandshakes context.CancelFunc
}

// New returns a Gateway. Close it.
func New(o Options) (*Gateway, error) { return newGateway(o, session.Protocols()) }

// newGateway returns a Gateway whose sockets speak some protocols, at least one.
func newGateway(o Options, protocols []*session.Protocol) (*Gateway, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gateway{o: o, protocols: protocols, verifier: o.Verifier, reporter: refusal.Reporter{Logger: o.Logger}}
	g.life, g.end = context.WithCancel(context.Background())
	g.occupancy = occupancy.New(occupancy.Options{Store: o.Occupancies, Events: o.Events, Instance: o.Instance, Logger: o.Logger, Metrics: o.Metrics})
	g.hub = hub.New(o.Broker, hub.Options{
		Instance: o.Instance, Payload: wire.Compact, Placement: o.Placement, Lifetime: o.Lifetime, Pace: o.Pace, Budget: o.Budget, Metrics: o.Metrics, Tracer: o.Tracer, Logger: o.Logger,
		Filters: o.Filters, States: o.States, Audience: g.occupancy,
	})
	sockets := socket.Options{
		Subprotocols: names(protocols), Compress: o.Compress, ReadLimit: session.MaxUnknownFrame, WriteTimeout: o.WriteTimeout,
		DeadAfter: 5 * g.hub.Pace().Heartbeat / 2, // as protocol.md tells clients to judge the server
		Logger:    o.Logger, Metrics: o.Metrics,
	}
	g.acceptor = socket.NewAcceptor(sockets)
	sockets.Subprotocols = []string{yjs.Protocol}
	g.documents = socket.NewAcceptor(sockets)
	if g.verifier == nil {
		g.verifier = auth.New(o.Tenants, auth.Options{Logger: o.Logger, Metrics: o.Metrics, Revocations: o.Revocations})
	}
	if o.Registry != nil {
		g.registration = registration.New(o.Registry, realtime.Lease{
			Instance: o.Instance, Service: o.Service, Revision: o.Revision, Region: o.Region, Started: time.Now(),
		}, o.Logger, o.Metrics)
		g.registration.OnLapse(g.occupancy.Lapsed)
	}
	g.routes = g.newRoutes(g.assemble())
	return g, nil
}

// assemble makes the parts that handle clients. It returns what answers with streams of events.
func (g *Gateway) assemble() *eventstream.Server {
	o := &g.o
	// What is queued for a client that has not said who it is.
	queue := outbox.Limits{Messages: 16, Bytes: 64 << 10}
	hooks := &hook.Caller{Hooks: o.Hooks, Life: g.life, Timeout: o.HookTimeout, Logger: o.Logger, Metrics: o.Metrics}
	handshakes, endHandshakes := context.WithCancel(g.life)
	g.endHandshakes = endHandshakes
	g.tracker = lifecycle.New(lifecycle.Options{
		Life: g.life, Release: []func(context.Context) error{g.hub.LetGo, g.registration.Settled, g.occupancy.Settled}, Logger: o.Logger,
	})
	g.admission = admission.New(admission.Options{
		Tenants: o.Tenants, Verifier: g.verifier, Limiter: o.Limiter, Registration: g.registration, Hooks: hooks, Remote: o.Remote,
		Within: o.FirstFrame, Open: handshakes, Reporter: g.reporter, Metrics: o.Metrics,
	})
	g.clients = clients.NewSet(clients.Options{
		Life: g.life, Instance: o.Instance, Version: version(), Hub: g.hub, Admission: g.admission, Registration: g.registration, Hooks: hooks,
		Tenants: o.Tenants, Verifier: g.verifier, Limiter: o.Limiter, Reporter: g.reporter, Logger: o.Logger, Metrics: o.Metrics,
	})
	g.sessions = &session.Config{
		Life: g.life, Tracker: g.tracker, Admission: g.admission, Clients: g.clients, Hub: g.hub, Publisher: o.Publisher, Hooks: hooks,
		Queue: queue, Documents: yjs.NewShared(), FirstFrame: o.FirstFrame, Reporter: g.reporter, Logger: o.Logger, Metrics: o.Metrics,
	}
	return &eventstream.Server{
		Life: g.life, Tracker: g.tracker, Admission: g.admission, Clients: g.clients, Sessions: g.sessions, Queue: queue, Reporter: g.reporter, Logger: o.Logger, Metrics: o.Metrics,
	}
}

// Hub returns what this instance holds, for a program that wants to look.
func (g *Gateway) Hub() *hub.Hub { return g.hub }

// Publisher returns what publishes for the clients. A program that publishes
// itself to the same Broker uses it.
func (g *Gateway) Publisher() *publish.Publisher { return g.o.Publisher }

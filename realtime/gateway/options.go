package gateway

import (
	"cmp"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// Options say what a Gateway is made of. With Broker and Tenants it is
// complete; what else is nil or zero has the default stated.
type Options struct {
	// Broker carries Publications between instances. It stays open.
	Broker realtime.Broker
	// Tenants finds tenant documents. What they say is made steady (tenantcache.Steady): a tenant that is missing for a
	// moment loses nobody.
	Tenants realtime.Tenants
	// Registry keeps the connection documents and this instance's lease. nil: nobody else
	// needs to know who is connected here.
	Registry realtime.Registry
	// Hooks are the functions of your own program; nil has none.
	Hooks Hooks

	// Verifier judges tokens; nil is one on Tenants. One that is given is not closed.
	Verifier *auth.Verifier
	// Revocations are what the gateway's own Verifier asks for logouts; nil: nobody is logged out.
	Revocations realtime.Revocations
	// Limiter counts for all APIs of the process; nil is one of the gateway's own.
	Limiter *limit.Limiter
	// Publisher publishes what clients send. A process has one per Broker; nil is one of the gateway's own.
	Publisher *publish.Publisher
	// Placement says which topic carries a tenant, everywhere the same; nil is realtime.OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// Pace holds the Hub's deadlines and intervals, that of the heartbeat among them.
	Pace hub.Pace

	// Filters compiles the filters of clients, tokens and namespaces; viewfilter.New makes one. nil refuses them.
	Filters view.Compiler
	// States has the checkpoints of keyed state, which a keeper writes. nil: namespaces can have state that is not durable only.
	States realtime.StateStore

	// Occupancies and Events tell of the channels that become occupied and vacated, in namespaces with `lifecycle`; both, with a Registry, or
	// neither: then nobody is told, which a log line says.
	Occupancies realtime.Occupancies
	Events      realtime.ChannelEvents

	// Instance names this process among all of the service, and is new at every start;
	// empty is a random name. Service, Revision and Region go into its lease.
	Instance, Service, Revision, Region string

	// FirstFrame is how long a client without a token in its handshake has to send a connect frame; 10 s.
	FirstFrame time.Duration
	// WriteTimeout is how long a socket may take nothing of what is written before it is given up as
	// too slow; 10 s.
	WriteTimeout time.Duration
	// HookTimeout bounds one hook; 10 s.
	HookTimeout time.Duration
	// DrainSpread is the time over which Close asks clients to come back, to the next
	// instance and not all at once; 5 s.
	DrainSpread time.Duration
	// Lifetime is the age at which a client is asked to move to another connection, before the platform
	// cuts this one; Cloud Run does after 60 minutes at most. 0 asks nobody.
	Lifetime time.Duration
	// Compress lets clients negotiate permessage-deflate; it costs CPU.
	Compress bool
	// Remote returns the client's address of a request; nil is the peer's. Behind a
	// proxy that is the proxy's, and which header to believe is yours to know.
	Remote func(*http.Request) string

	// Budget is what the process may keep for its clients; nil has no bound. budget.OfProcess makes one
	// of the memory limit of the Go runtime.
	Budget *budget.Budget

	Metrics realtime.Metrics // nil forgets
	Tracer  realtime.Tracer  // nil follows nothing
	Logger  *slog.Logger     // nil discards
}

func (o Options) withDefaults() (Options, error) {
	if o.Broker == nil || o.Tenants == nil {
		return o, errors.New("gateway: Options.Broker and Options.Tenants are required")
	}
	if (o.Occupancies == nil) != (o.Events == nil) || o.Occupancies != nil && o.Registry == nil {
		return o, errors.New("gateway: Options.Occupancies, Options.Events and Options.Registry: set all three, or none of the first two")
	}
	o.Tenants = tenantcache.NewSteady(o.Tenants)
	o.Instance = cmp.Or(o.Instance, strings.ToLower(rand.Text()[:16]))
	o.FirstFrame = cmp.Or(o.FirstFrame, 10*time.Second)
	o.HookTimeout = cmp.Or(o.HookTimeout, 10*time.Second)
	o.DrainSpread = cmp.Or(o.DrainSpread, 5*time.Second)
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With(realtime.KeyInstance, o.Instance)
	if o.Limiter == nil {
		o.Limiter = limit.New(limit.Options{Metrics: o.Metrics})
	}
	if o.Publisher == nil {
		o.Publisher = publish.New(o.Broker, publish.Options{Placement: o.Placement, Metrics: o.Metrics, Tracer: o.Tracer})
	}
	if o.Remote == nil {
		o.Remote = peer
	}
	return o, nil
}

// peer returns the address without its port.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/httpserver"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/retained"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
	"github.com/tidewire/tidewire/realtime/webhook"
)

// Options say what a Server is started with.
type Options struct {
	Addr      string
	AnyPort   bool   // Addr is only the default, so that another port will do
	Tenants   string // file of tenant documents; empty: none
	State     string // folder of devstate; empty: the user's own
	Backend   string // the word that backend.Open takes
	Emulators Emulators
	Demo      bool
	Crawl     []string // hosts that the crawler may read; none: there is no crawler
	Filter    string   // file of rules of the filter; empty: there is no filter
	Page      string   // folder of a page that is served at /; empty: none
	Logger    *slog.Logger
}

// Emulators are the addresses of those that dev uses in place of Google Cloud.
type Emulators struct{ PubSub, Firestore string }

// devShards is how many topics the pooled tenants of a dev share.
const devShards = 2

// Server is everything in one process: what Cloud Run services and functions are elsewhere.
type Server struct {
	o             Options
	url           string
	docs          *memory.Tenants // what it was started with
	tenantOfToken string
	token         string
	failed        chan error // the server or a producer ended

	seen      *telemetry.Telemetry
	metrics   realtime.Metrics // seen's
	page      http.Handler     // of metrics
	backend   *backend.Backend
	verifier  *auth.Verifier
	operators *auth.Verifier
	limiter   *limit.Limiter
	pub       *publish.Publisher
	history   *retained.Reader
	surveyor  *survey.Surveyor
	gateway   *gateway.Gateway
	hooks     *webhook.Hooks
	server    *httpserver.Server
	stop      context.CancelFunc // of producers and of the keeper
	kept      devstate.Folder
	self      devstate.Dev // what the other commands are told, kept in kept
	running   sync.WaitGroup
}

// Run serves until ctx ends, and then drains, within the time that package shutdown grants. ready is called once it accepts.
func Run(ctx context.Context, o Options, ready func(*Server) error) error {
	d, err := start(ctx, o)
	if err != nil {
		return err
	}
	err = ready(d)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-d.failed:
		}
	}
	return errors.Join(err, d.close(ctx))
}

// start listens and serves. The caller closes what it returns.
func start(ctx context.Context, o Options) (*Server, error) {
	s, err := devstate.Find(o.State)
	if err != nil {
		return nil, err
	}
	d := &Server{o: o, failed: make(chan error, 8)}
	if err := d.observe(ctx); err != nil {
		return nil, err
	}
	if d.docs, err = s.Tenants(o.Tenants, o.Demo); err != nil {
		return nil, err
	}
	if err := d.firstToken(ctx); err != nil {
		return nil, err
	}
	listener, err := d.listen(ctx)
	if err != nil {
		return nil, err
	}
	d.url = "http://" + reachable(listener.Addr())
	if o.Demo && !isLoopback(listener.Addr()) {
		o.Logger.WarnContext(ctx, "the demo requires no login, and others can reach this address; --demo=false turns it off")
	}
	if o.Page != "" && !isLoopback(listener.Addr()) {
		o.Logger.WarnContext(ctx, "--page gives a token to whoever asks, and others can reach this address")
	}
	if err := d.assemble(ctx, s); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	handler, err := d.routes()
	if err != nil {
		return nil, errors.Join(err, listener.Close(), d.close(ctx))
	}
	d.kept, d.self = s, devstate.New(d.url, o.Tenants, o.Demo)
	d.serve(d.named(handler), listener)
	if err := s.Announce(ctx, d.self); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

// named puts into every answer which dev this is.
func (d *Server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(devstate.Header, d.self.ID)
		next.ServeHTTP(w, r)
	})
}

// observe makes the metrics, which are shown at /metrics.
func (d *Server) observe(ctx context.Context) error {
	page, err := scrape.New()
	if err != nil {
		return err
	}
	if d.seen, err = telemetry.Open(ctx, telemetry.Options{Readers: []metric.Reader{page.Reader()}}); err != nil {
		return err
	}
	d.metrics, d.page = d.seen.Metrics, page.Handler()
	return nil
}

// assemble makes the parts. They share one backend, one limiter and one publisher.
func (d *Server) assemble(ctx context.Context, s devstate.Folder) (err error) {
	keys, err := s.OperatorKeys()
	if err != nil {
		return err
	}
	if d.operators, err = httpapi.NewOperators(keys, auth.Options{Logger: d.o.Logger, Metrics: d.metrics}); err != nil {
		return err
	}
	if d.backend, err = d.open(ctx); err != nil {
		return errors.Join(err, d.operators.Close())
	}
	b := d.backend
	d.verifier = auth.New(b.Tenants, auth.Options{Logger: d.o.Logger, Metrics: d.metrics, Revocations: b.Revocations})
	d.limiter = limit.New(limit.Options{Metrics: d.metrics})
	d.pub = publish.New(b.Broker, publish.Options{Placement: b.Placement, Metrics: d.metrics})
	filters, err := viewfilter.New()
	if err != nil {
		return errors.Join(err, d.operators.Close(), d.verifier.Close(), b.Close(ctx))
	}
	d.hooks = webhook.New(webhook.Options{Network: webhook.Network{Allowed: thisMachine()}, IDToken: b.IDToken, Logger: d.o.Logger, Metrics: d.metrics})
	d.gateway, err = gateway.New(gateway.Options{
		Filters: filters, States: b.States, Hooks: d.hooks,
		Broker: b.Broker, Tenants: b.Tenants, Registry: b.Registry, Placement: b.Placement, Occupancies: memory.NewOccupancies(), Events: memory.NewEventLog(d.o.Logger),
		Verifier: d.verifier, Limiter: d.limiter, Publisher: d.pub,
		Service: "dev", Logger: d.o.Logger, Metrics: d.metrics,
		Budget: budget.OfProcess(), DrainSpread: 2 * time.Second,
	})
	if err != nil {
		err = errors.Join(err, d.operators.Close(), d.verifier.Close(), b.Close(ctx))
	}
	return err
}

// open opens the backend and puts dev's tenants into it.
func (d *Server) open(ctx context.Context) (*backend.Backend, error) {
	b, err := backend.Open(ctx, d.o.Backend, backend.Options{
		PubSubEmulator: d.o.Emulators.PubSub, FirestoreEmulator: d.o.Emulators.Firestore, Shards: devShards,
		Logger: d.o.Logger, Metrics: d.metrics,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range d.docs.IDs() {
		doc, err := d.docs.Tenant(ctx, id)
		if err == nil {
			err = b.EnsureTenant(ctx, doc)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("putting tenant %s: %w", id, err), b.Close(ctx))
		}
	}
	return b, nil
}

func (d *Server) serve(handler http.Handler, listener net.Listener) {
	d.server = httpserver.New(handler, httpserver.Options{Logger: d.o.Logger, Metrics: d.metrics})
	d.running.Go(func() {
		if err := d.server.Serve(listener); err != nil {
			d.failed <- err
		}
	})
}

// close ends everything with one deadline: producers first, then sockets, requests, and what they use.
func (d *Server) close(ctx context.Context) error {
	if d.stop != nil {
		d.stop()
	}
	var err error
	if d.self.ID != "" {
		err = d.kept.Withdraw(d.self)
	}
	steps := []shutdown.Step{d.gateway.Close}
	if d.history != nil {
		steps = append(steps, d.history.Close, d.surveyor.Close)
	}
	if d.server != nil {
		steps = append(steps, d.server.Close)
	}
	if d.hooks != nil {
		steps = append(steps, func(context.Context) error { d.hooks.Close(); return nil })
	}
	steps = append(steps,
		func(context.Context) error { d.running.Wait(); return nil },
		func(context.Context) error { return errors.Join(d.operators.Close(), d.verifier.Close()) },
		d.backend.Close, d.seen.Close)
	ending, cancel := shutdown.Begin(ctx)
	defer cancel()
	return errors.Join(err, shutdown.End(ending, steps...))
}

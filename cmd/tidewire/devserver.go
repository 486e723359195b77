package main

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

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/httpserver"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
	"github.com/tidewire/tidewire/services/dashboard/demo"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

type devOptions struct {
	addr, tenants, state string
	anyPort              bool   // addr is only the default, so that another port will do
	backend              string // the word that backend.Open takes
	emulators            emulators
	demo                 bool
	log                  *slog.Logger
}

// emulators are the addresses of those that dev uses in place of Google Cloud.
type emulators struct{ pubsub, firestore string }

// devShards is how many topics the pooled tenants of a dev share.
const devShards = 2

// devServer is everything in one process: what Cloud Run services and functions are elsewhere.
type devServer struct {
	o             devOptions
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
	gateway   *gateway.Gateway
	server    *httpserver.Server
	stop      context.CancelFunc
	kept      state
	self      running // what the other commands are told, kept in kept
	running   sync.WaitGroup
}

// startDev listens and serves. The caller closes what it returns.
func startDev(ctx context.Context, o devOptions) (*devServer, error) {
	s, err := findState(o.state)
	if err != nil {
		return nil, err
	}
	d := &devServer{o: o, failed: make(chan error, 4)}
	if err := d.observe(ctx); err != nil {
		return nil, err
	}
	if d.docs, err = loadTenants(s, o.tenants, o.demo); err != nil {
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
	if o.demo && !isLoopback(listener.Addr()) {
		o.log.WarnContext(ctx, "the demo requires no login, and others can reach this address; --demo=false turns it off")
	}
	if err := d.assemble(ctx, s); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	handler, err := d.routes()
	if err != nil {
		return nil, errors.Join(err, listener.Close(), d.close(ctx))
	}
	d.kept, d.self = s, newRunning(d.url, o.tenants, o.demo)
	d.serve(d.named(handler), listener)
	if err := s.announce(ctx, d.self); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

// named puts into every answer which dev this is.
func (d *devServer) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(devHeader, d.self.ID)
		next.ServeHTTP(w, r)
	})
}

// observe makes the metrics, which are shown at /metrics.
func (d *devServer) observe(ctx context.Context) error {
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
func (d *devServer) assemble(ctx context.Context, s state) (err error) {
	keys, err := s.operatorKeys()
	if err != nil {
		return err
	}
	if d.operators, err = httpapi.NewOperators(keys, auth.Options{Logger: d.o.log, Metrics: d.metrics}); err != nil {
		return err
	}
	if d.backend, err = d.open(ctx); err != nil {
		return errors.Join(err, d.operators.Close())
	}
	b := d.backend
	d.verifier = auth.New(b.Tenants, auth.Options{Logger: d.o.log, Metrics: d.metrics, Revocations: b.Revocations})
	d.limiter = limit.New(limit.Options{Metrics: d.metrics})
	d.pub = publish.New(b.Broker, publish.Options{Placement: b.Placement, Metrics: d.metrics})
	d.gateway, err = gateway.New(gateway.Options{
		Broker: b.Broker, Tenants: b.Tenants, Registry: b.Registry, Placement: b.Placement,
		Verifier: d.verifier, Limiter: d.limiter, Publisher: d.pub,
		Service: "dev", Logger: d.o.log, Metrics: d.metrics,
		Budget: budget.OfProcess(), DrainSpread: 2 * time.Second,
	})
	if err != nil {
		err = errors.Join(err, d.operators.Close(), d.verifier.Close(), b.Close(ctx))
	}
	return err
}

// open opens the backend and puts dev's tenants into it.
func (d *devServer) open(ctx context.Context) (*backend.Backend, error) {
	b, err := backend.Open(ctx, d.o.backend, backend.Options{
		PubSubEmulator: d.o.emulators.pubsub, FirestoreEmulator: d.o.emulators.firestore, Shards: devShards,
		Logger: d.o.log, Metrics: d.metrics,
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

func (d *devServer) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/v1/", d.gateway)
	mux.Handle("/healthz", d.gateway)
	mux.Handle("/readyz", d.gateway)
	mux.Handle("/v1/tenants/{tenant}/events", ingest.New(ingest.Options{
		Verifier: d.verifier, Tenants: d.backend.Tenants, Publisher: d.pub, Limiter: d.limiter,
		Logger: d.o.log, Metrics: d.metrics,
	}))
	api := httpapi.New(httpapi.Options{
		Verifier: d.verifier, Operators: d.operators, Tenants: d.backend.Tenants, Registry: d.backend.Registry,
		Revocations: d.backend.Revocations, Publisher: d.pub, Topics: d.backend.Topics, Placement: d.backend.Placement,
		Limiter: d.limiter, Logger: d.o.log, Metrics: d.metrics,
	})
	for _, path := range []string{"/v1/tenants", "/v1/tenants/", "/v1/openapi.json"} {
		mux.Handle(path, api)
	}
	mux.Handle("GET /metrics", d.page)
	if !d.o.demo {
		return mux, nil
	}
	desks, err := demo.Desks()
	if err != nil {
		return nil, err
	}
	sessions := demo.Sessions{Desks: desks, Sign: d.sign}
	mux.Handle("/", web.Handler(web.Options{Session: sessions.Session, Logger: d.o.log}))
	d.startProducers(desks)
	return mux, nil
}

// startProducers replays recorded data to the demo's tenants, through the
// address that any other producer would use.
func (d *devServer) startProducers(desks []demo.Desk) {
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	started := map[string]bool{}
	for _, desk := range desks {
		if started[desk.Tenant] {
			continue
		}
		started[desk.Tenant] = true
		p := demo.Producer{
			URL: d.url, Tenant: desk.Tenant, Desks: desks, Logger: d.o.log,
			Token: func(ctx context.Context) (string, error) {
				w := demo.Writer(desk.Tenant)
				w.Issued, w.Expires = time.Now(), time.Now().Add(time.Hour)
				return d.sign(ctx, w)
			},
		}
		d.running.Go(func() {
			if err := p.Run(ctx); err != nil {
				d.failed <- err
			}
		})
	}
}

func (d *devServer) sign(ctx context.Context, p *realtime.Principal) (string, error) {
	t, err := d.docs.Tenant(ctx, p.Tenant)
	if err != nil {
		return "", err
	}
	signer, err := auth.NewSigner(t)
	if err != nil {
		return "", err
	}
	return signer.Sign(auth.Claims{User: p.User, Groups: p.Groups, Grants: p.Grants, Manage: p.Manage, Issued: p.Issued, Expires: p.Expires})
}

// firstToken makes the token that dev prints: of the first tenant that can sign one.
func (d *devServer) firstToken(ctx context.Context) error {
	all := []realtime.Pattern{"**"}
	p := &realtime.Principal{
		User: "dev", Issued: time.Now(), Expires: time.Now().Add(12 * time.Hour),
		Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all}, Manage: httpapi.Parts(),
	}
	for _, p.Tenant = range d.docs.IDs() {
		token, err := d.sign(ctx, p)
		if err == nil {
			d.tenantOfToken, d.token = p.Tenant, token
			return nil
		}
		if realtime.CodeOf(err) != realtime.CodeNotFound {
			return fmt.Errorf("tenant %s: %w", p.Tenant, err)
		}
	}
	return nil // tokens come from elsewhere
}

func (d *devServer) serve(handler http.Handler, listener net.Listener) {
	d.server = httpserver.New(handler, httpserver.Options{Logger: d.o.log, Metrics: d.metrics})
	d.running.Go(func() {
		if err := d.server.Serve(listener); err != nil {
			d.failed <- err
		}
	})
}

// close ends everything with one deadline: producers first, then sockets, requests, and what they use.
func (d *devServer) close(ctx context.Context) error {
	if d.stop != nil {
		d.stop()
	}
	var err error
	if d.self.ID != "" {
		err = d.kept.leave(d.self)
	}
	steps := []shutdown.Step{d.gateway.Close}
	if d.server != nil {
		steps = append(steps, d.server.Close)
	}
	steps = append(steps,
		func(context.Context) error { d.running.Wait(); return nil },
		func(context.Context) error { return errors.Join(d.operators.Close(), d.verifier.Close()) },
		d.backend.Close, d.seen.Close)
	ending, cancel := shutdown.Begin(ctx)
	defer cancel()
	return errors.Join(err, shutdown.End(ending, steps...))
}

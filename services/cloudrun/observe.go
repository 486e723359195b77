package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
)

// Observed is how a service is seen from outside: its metrics, its traces and its profiles, as far as they
// are asked for. Close it last, since it sends what has been gathered.
type Observed struct {
	Metrics realtime.Metrics
	Tracer  realtime.Tracer // nil: nothing is followed

	log      *slog.Logger
	sent     *telemetry.Telemetry // nil: nobody wants any
	page     http.Handler         // nil: not to be seen
	profiles *http.Server         // nil: none
	served   chan error
}

// Observe begins.
func (c *Config) Observe(ctx context.Context, log *slog.Logger) (*Observed, error) {
	o := &Observed{Metrics: realtime.NoMetrics{}, log: log}
	if err := o.open(ctx, c); err != nil {
		return nil, err
	}
	telemetry.LogErrors(log)
	if c.Profiles != "" {
		if err := o.profile(ctx, c.Profiles, log); err != nil {
			return nil, errors.Join(err, o.Close(ctx))
		}
	}
	return o, nil
}

func (o *Observed) open(ctx context.Context, c *Config) error {
	t := telemetry.Options{
		To: c.Telemetry, Export: c.Export, Project: c.Project(), Service: c.Service, Revision: c.Revision, Region: c.Region, Instance: c.Instance, Share: c.Traces,
		Tenants: cmp.Or(c.ShownTenants, -1),
	}
	if c.ServeMetrics {
		page, err := scrape.New()
		if err != nil {
			return err
		}
		t.Readers, o.page = append(t.Readers, page.Reader()), page.Handler()
	}
	if o.page == nil && (c.Telemetry == "" || c.Telemetry == "none") {
		return nil
	}
	sent, err := telemetry.Open(ctx, t)
	if err != nil {
		return fmt.Errorf("TIDEWIRE_TELEMETRY: %w", err)
	}
	o.sent, o.Metrics, o.Tracer = sent, sent.Metrics, sent.Tracer
	return nil
}

// profile serves profiles at an address of their own, which is not to be reached from outside.
func (o *Observed) profile(ctx context.Context, address string, log *slog.Logger) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("TIDEWIRE_PPROF: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	o.served = make(chan error, 1)
	o.profiles = &http.Server{ // a profile takes as long as its seconds say
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	go func() { o.served <- o.profiles.Serve(l) }()
	log.InfoContext(ctx, "serving profiles", realtime.KeyAddress, l.Addr().String())
	return nil
}

// Routes returns a handler with what every service serves besides its own paths: the metrics, if
// they are to be seen, and the trace of each request in its context.
func (o *Observed) Routes(own http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", own)
	if o.page != nil {
		mux.Handle("GET /metrics", o.page)
	}
	return telemetry.Traced(mux)
}

// Spans returns a handler that makes spans of requests of sampled traces. It is not for sockets.
func (o *Observed) Spans(operation string, next http.Handler) http.Handler {
	if o.sent == nil {
		return next
	}
	return o.sent.Spans(operation, next)
}

// Close ends it.
func (o *Observed) Close(ctx context.Context) error {
	var errs []error
	if o.profiles != nil {
		errs = append(errs, o.profiles.Close())
		if err := <-o.served; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	if o.sent != nil {
		errs = append(errs, o.sent.Close(ctx))
	}
	return errors.Join(errs...)
}

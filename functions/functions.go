// Package functions is the source root of the Cloud Functions. It registers
// each under the name of its package, for functions-framework to serve the one that the
// variable FUNCTION_TARGET names:
//
//	crawler  reads web sites, and shows what it reads (package functions/crawler)
//	filter   turns a raw stream into channels (package functions/filter)
//	ingest   takes events in (package functions/ingest)
//	janitor  removes what dead instances have left, and hands over what their
//	         connections still owe (package functions/janitor)
//	keeper   keeps the checkpoints of keyed state (package functions/keeper)
//	probe    shows that a deployment works, from ingest to a socket (package functions/probe)
//
// It is their main, and so the one place that has an init and reads the environment, by
// package functions/settings, which lists the variables. With a fault in them a function does not
// start, so that a revision with a wrong setting never comes to serve; its log names every fault.
//
// Built with the tag core, crawler and filter are left out, and with them CEL and HTML: a fifth of the binary, which each cold start of the others is spared.
//
// There are no tests in this folder, because the buildpack takes every Go file of it for the
// function's source; what can be tested is in the packages below, and
// internal/archive tests the whole as the buildpack builds it.
package functions

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/tidewire/tidewire/functions/host"
	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/functions/settings"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
)

func init() {
	level := &slog.LevelVar{}
	var p program
	var err error
	p.settings, err = settings.Read(os.LookupEnv)
	p.log = slog.New(telemetry.NewCloudLog(os.Stdout, telemetry.CloudLogOptions{Level: level, Project: p.settings.Project}))
	if err != nil {
		p.log.Error("the function cannot start", realtime.KeyError, err)
		if os.Getenv("FUNCTION_TARGET") != "" {
			os.Exit(1)
		}
		return // imported by something that serves no function
	}
	level.Set(p.settings.LogLevel)
	p.host = host.New(host.Options{Logger: p.log})
	p.registerFeeds()
	functions.HTTP("ingest", p.host.Function(p.openIngest))
	functions.HTTP("janitor", p.host.Function(p.openJanitor))
	functions.HTTP("keeper", p.host.Function(p.openKeeper))
	functions.HTTP("probe", p.host.Function(p.openProbe))
	go p.drain()
}

// program is what the functions of this process share.
type program struct {
	settings settings.Settings
	log      *slog.Logger
	host     *host.Host
}

// writeTime is for the server, which sends the end of an answer after its handler has returned, and
// which the framework does not let anybody shut down.
const writeTime = 100 * time.Millisecond

// drain ends the process when the platform asks for it, once the requests inside are
// answered. It belongs to the process.
func (p *program) drain() {
	err := shutdown.Run(context.Background(), func(ctx context.Context) error {
		<-ctx.Done()
		ending, cancel := shutdown.Begin(ctx)
		defer cancel()
		return p.host.Close(ending)
	})
	if err != nil {
		p.log.Warn("the function did not shut down cleanly", realtime.KeyError, err)
	}
	time.Sleep(writeTime)
	os.Exit(0) //nolint:gocritic // nothing deferred matters any more
}

// openIngest opens functions/ingest.
func (p *program) openIngest(ctx context.Context) (http.Handler, shutdown.Step, error) {
	seen, err := p.observe(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.openStores(ctx, seen.Metrics)
	if err != nil {
		return nil, nil, errors.Join(err, seen.Close(ctx))
	}
	verifier := auth.New(s.tenants, auth.Options{Revocations: s.revocations, Logger: p.log, Metrics: seen.Metrics})
	handler := ingest.New(ingest.Options{
		Verifier: verifier,
		Tenants:  s.tenants,
		Publisher: publish.New(s.broker, publish.Options{
			Placement: realtime.Placed(p.settings.Shards), Metrics: seen.Metrics, Tracer: seen.Tracer,
		}),
		Limiter: limit.New(limit.Options{Metrics: seen.Metrics}),
		Logger:  p.log,
		Metrics: seen.Metrics,
	})
	closing := func(ctx context.Context) error {
		return shutdown.End(ctx, func(context.Context) error { return verifier.Close() }, s.close, seen.Close)
	}
	return seen.Spans("ingest", handler), closing, nil
}

// observe opens what metrics and traces are sent with. Between requests a function may have no CPU: what is
// gathered then waits for the next request, or for the end of the process.
func (p *program) observe(ctx context.Context) (*telemetry.Telemetry, error) {
	s := &p.settings
	t, err := telemetry.Open(context.WithoutCancel(ctx), telemetry.Options{
		To: s.Telemetry, Export: otlpgrpc.Export, Project: s.Project, Service: s.Service, Revision: s.Revision, Region: s.Region, Instance: strings.ToLower(rand.Text()[:16]),
		Tenants: cmp.Or(s.ShownTenants, -1),
	})
	if err != nil {
		return nil, fmt.Errorf("TIDEWIRE_TELEMETRY: %w", err)
	}
	telemetry.LogErrors(p.log)
	return t, nil
}

// openProbe opens functions/probe.
func (p *program) openProbe(ctx context.Context) (http.Handler, shutdown.Step, error) {
	tenants, letGo, err := p.openTenants(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := &p.settings
	handler, err := probe.New(probe.Options{
		Gateway: s.Gateway, Ingest: s.Ingest, Tenant: s.ProbeTenant, Tenants: tenants, MaxTime: s.ProbeTime, Held: s.ProbeHeld, Logger: p.log,
	})
	if err != nil {
		return nil, nil, errors.Join(err, letGo(ctx))
	}
	return handler, func(ctx context.Context) error { return errors.Join(handler.Close(), letGo(ctx)) }, nil
}

// openTenants opens the documents of tenants, and nothing else.
func (p *program) openTenants(ctx context.Context) (realtime.Tenants, shutdown.Step, error) {
	if p.settings.Backend == settings.GCP {
		return p.openCloudTenants(ctx)
	}
	tenants, err := memory.LoadTenantsFile(p.settings.TenantsFile)
	if err != nil {
		return nil, nil, fmt.Errorf("TIDEWIRE_TENANTS: %w", err)
	}
	return tenants, func(context.Context) error { return nil }, nil
}

// stores are what ingest reads from and publishes to.
type stores struct {
	tenants     realtime.Tenants
	revocations realtime.Revocations // nil: nobody is ever logged out
	broker      realtime.Broker
	close       shutdown.Step
}

func (p *program) openStores(ctx context.Context, metrics realtime.Metrics) (*stores, error) {
	if p.settings.Backend == settings.GCP {
		return p.openCloudStores(ctx, metrics)
	}
	tenants, _, err := p.openTenants(ctx) // of memory, which has nothing to let go
	if err != nil {
		return nil, err
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	return &stores{tenants: tenants, broker: broker, close: broker.Close}, nil
}

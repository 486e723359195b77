// Command gateway is the Cloud Run service that holds sockets and streams of events, and nothing
// else: its thousand request slots are for those. docs/configuration.md lists its variables.
package main

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/webhook"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/storage"
)

func main() { os.Exit(cloudrun.Run(run)) }

// run serves until ctx ends, and then drains.
func run(ctx context.Context, lookup environment.Lookup, out io.Writer) error {
	e := environment.New(lookup)
	c := readConfig(e)
	if err := e.Err(); err != nil {
		return err
	}
	return c.Serve(ctx, out, c.assemble)
}

func (c *config) assemble(ctx context.Context, p *cloudrun.Parts) (http.Handler, error) {
	b, err := storage.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.handler(p, b)
}

// handler is the gateway on a backend.
func (c *config) handler(p *cloudrun.Parts, b *backend.Backend) (http.Handler, error) {
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: p.Log, Metrics: p.Metrics})
	p.Closing(func(context.Context) error { return verifier.Close() })
	filters, err := viewfilter.New()
	if err != nil {
		return nil, err
	}
	hooks := webhook.New(webhook.Options{IDToken: b.IDToken, Logger: p.Log, Metrics: p.Metrics})
	p.Closing(func(context.Context) error { hooks.Close(); return nil })
	g, err := gateway.New(gateway.Options{
		Filters: filters, States: b.States, Hooks: hooks,
		Broker: b.Broker, Tenants: b.Tenants, Registry: b.Registry, Occupancies: b.Occupancies, Events: b.Events, Placement: b.Placement, Verifier: verifier,
		Instance: c.Instance, Service: c.Service, Revision: c.Revision, Region: c.Region,
		Lifetime: c.lifetime, DrainSpread: c.drainSpread, Compress: c.compress, Remote: remote(c.proxies),
		Budget: budget.OfProcess(), Logger: p.Log, Metrics: p.Metrics, Tracer: p.Tracer,
	})
	if err != nil {
		return nil, err
	}
	p.Drain = g.Close
	return g, nil
}

// Command api is the Cloud Run service of the management API. docs/configuration.md lists its variables.
package main

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/retained"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/storage"
)

func main() { os.Exit(cloudrun.Run(run)) }

// run serves until ctx ends, and then lets the calls end that are under way.
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

// handler is the API on a backend.
func (c *config) handler(p *cloudrun.Parts, b *backend.Backend) (http.Handler, error) {
	operators, err := c.verifier(auth.Options{Logger: p.Log, Metrics: p.Metrics})
	if err != nil {
		return nil, err
	}
	p.Closing(func(context.Context) error { return operators.Close() })
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: p.Log, Metrics: p.Metrics})
	p.Closing(func(context.Context) error { return verifier.Close() })
	filters, err := viewfilter.New()
	if err != nil {
		return nil, err
	}
	reader := retained.New(retained.Options{
		Broker: b.Broker, Placement: b.Placement, Filters: filters, Payload: wire.Compact, Metrics: p.Metrics, Logger: p.Log,
	})
	p.Closing(reader.Close)
	surveyor := survey.New(survey.Options{
		Broker: b.Broker, Placement: b.Placement, Subscriptions: b.Subscriptions, Leases: b.Leases, Metrics: p.Metrics, Logger: p.Log,
	})
	p.Closing(surveyor.Close)
	return cloudrun.Health(p.Spans("api", httpapi.New(httpapi.Options{
		Verifier: verifier, Operators: operators,
		Tenants: b.Tenants, Registry: b.Registry, Revocations: b.Revocations, Topics: b.Topics, Placement: b.Placement, States: b.States, History: reader, Survey: surveyor,
		Publisher: publish.New(b.Broker, publish.Options{Placement: b.Placement, Metrics: p.Metrics, Tracer: p.Tracer}),
		Retention: realtime.RetentionOf(b.Broker),
		Limiter:   limit.New(limit.Options{Metrics: p.Metrics}),
		Metrics:   p.Metrics, Logger: p.Log,
	}))), nil
}

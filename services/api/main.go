// Command api is the Cloud Run service of the management API. docs/configuration.md lists its variables.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/services/cloudrun"
)

func main() { os.Exit(cloudrun.Run(run)) }

// run serves until ctx ends, and then lets the calls end that are under way.
func run(ctx context.Context, lookup cloudrun.Lookup, out io.Writer) error {
	e := cloudrun.NewEnvironment(lookup)
	c := readConfig(e)
	if err := e.Err(); err != nil {
		return err
	}
	log := c.Logger(out)
	seen, err := c.Observe(ctx, log)
	if err != nil {
		return err
	}
	operators, err := c.verifier(auth.Options{Logger: log, Metrics: seen.Metrics})
	if err != nil {
		return errors.Join(err, seen.Close(ctx))
	}
	b, err := c.Open(ctx, log, seen.Metrics)
	if err != nil {
		return errors.Join(err, operators.Close(), seen.Close(ctx))
	}
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: log, Metrics: seen.Metrics})
	api := seen.Spans("api", handler(b, verifier, operators, log, seen))
	l, err := c.Listen(ctx, log)
	if err == nil {
		err = cloudrun.Serve(ctx, l, seen.Routes(cloudrun.Health(api)), log)
	}
	return errors.Join(err, verifier.Close(), operators.Close(), b.Close(), seen.Close(ctx))
}

func handler(b *backend.Backend, verifier, operators *auth.Verifier, log *slog.Logger, seen *cloudrun.Observed) http.Handler {
	return httpapi.New(httpapi.Options{
		Verifier: verifier, Operators: operators,
		Tenants: b.Tenants, Registry: b.Registry, Revocations: b.Revocations, Topics: b.Topics, Placement: b.Placement,
		Publisher: realtime.NewPublisher(b.Broker, realtime.PublisherOptions{Placement: b.Placement, Metrics: seen.Metrics, Tracer: seen.Tracer}),
		Limiter:   limit.New(limit.Options{Metrics: seen.Metrics}),
		Metrics:   seen.Metrics, Logger: log,
	})
}

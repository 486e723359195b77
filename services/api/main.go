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
	metrics, page := c.Metrics()
	operators, err := c.verifier(auth.Options{Logger: log, Metrics: metrics})
	if err != nil {
		return err
	}
	b, err := c.Open(ctx, log, metrics)
	if err != nil {
		return errors.Join(err, operators.Close())
	}
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: log, Metrics: metrics})
	api := handler(b, verifier, operators, log, metrics)
	l, err := c.Listen(ctx, log)
	if err == nil {
		err = cloudrun.Serve(ctx, l, cloudrun.Routes(cloudrun.Health(api), page), log)
	}
	return errors.Join(err, verifier.Close(), operators.Close(), b.Close())
}

func handler(b *backend.Backend, verifier, operators *auth.Verifier, log *slog.Logger, metrics realtime.Metrics) http.Handler {
	return httpapi.New(httpapi.Options{
		Verifier: verifier, Operators: operators,
		Tenants: b.Tenants, Registry: b.Registry, Revocations: b.Revocations, Topics: b.Topics, Placement: b.Placement,
		Publisher: realtime.NewPublisher(b.Broker, realtime.PublisherOptions{Placement: b.Placement, Metrics: metrics}),
		Limiter:   limit.New(limit.Options{Metrics: metrics}),
		Metrics:   metrics, Logger: log,
	})
}

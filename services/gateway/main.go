// Command gateway is the Cloud Run service that holds sockets and streams of events, and nothing
// else: its thousand request slots are for those. docs/configuration.md lists its variables.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/services/cloudrun"
)

func main() { os.Exit(cloudrun.Run(run)) }

// run serves until ctx ends, and then drains.
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
	b, err := c.Open(ctx, log, seen.Metrics)
	if err != nil {
		return errors.Join(err, seen.Close(ctx))
	}
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: log, Metrics: seen.Metrics})
	err = serve(ctx, c, b, verifier, log, seen)
	return errors.Join(err, verifier.Close(), b.Close(), seen.Close(ctx))
}

func serve(ctx context.Context, c config, b *backend.Backend, verifier *auth.Verifier, log *slog.Logger, seen *cloudrun.Observed) error {
	g, err := gateway.New(gateway.Options{
		Broker: b.Broker, Tenants: b.Tenants, Registry: b.Registry, Placement: b.Placement, Verifier: verifier,
		Instance: c.Instance, Service: c.Service, Revision: c.Revision, Region: c.Region,
		Lifetime: c.lifetime, DrainSpread: c.drainSpread, Compress: c.compress, Remote: remote(c.proxies),
		Budget: realtime.ProcessBudget(), Logger: log, Metrics: seen.Metrics, Tracer: seen.Tracer,
	})
	if err != nil {
		return err
	}
	l, err := c.Listen(ctx, log)
	if err != nil {
		return errors.Join(err, g.Close(ctx))
	}
	return g.Serve(ctx, l, seen.Routes(g))
}

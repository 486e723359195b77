// Command gateway is the Cloud Run service that holds sockets and streams of events, and nothing
// else: its thousand request slots are for those. docs/configuration.md lists its variables.
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
	metrics, page := c.Metrics()
	b, err := c.Open(ctx, log, metrics)
	if err != nil {
		return err
	}
	verifier := auth.New(b.Tenants, auth.Options{Revocations: b.Revocations, Logger: log, Metrics: metrics})
	err = serve(ctx, c, b, verifier, log, metrics, page)
	return errors.Join(err, verifier.Close(), b.Close())
}

func serve(ctx context.Context, c config, b *backend.Backend, verifier *auth.Verifier, log *slog.Logger, metrics realtime.Metrics, page http.Handler) error {
	g, err := gateway.New(gateway.Options{
		Broker: b.Broker, Tenants: b.Tenants, Registry: b.Registry, Placement: b.Placement, Verifier: verifier,
		Service: c.Service, Revision: c.Revision, Region: c.Region,
		Lifetime: c.lifetime, DrainSpread: c.drainSpread, Compress: c.compress, Remote: remote(c.proxies),
		Logger: log, Metrics: metrics,
	})
	if err != nil {
		return err
	}
	l, err := c.Listen(ctx, log)
	if err != nil {
		return errors.Join(err, g.Close(ctx))
	}
	return g.Serve(ctx, l, cloudrun.Routes(g, page))
}

package devserver

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime/keeper"
)

// keepEvery is how long the checkpoints of keyed state rest between two rounds: short, so that whoever tries it sees at once what it does.
const keepEvery = time.Second

// startKeeper keeps the checkpoints of keyed state until ctx ends, as functions/keeper does elsewhere.
func (d *Server) startKeeper(ctx context.Context) {
	k := keeper.New(keeper.Options{
		Broker: d.backend.Broker, Reader: d.backend.Reader, Tenants: d.backend.Tenants, States: d.backend.StateWriter, Placement: d.backend.Placement,
		Discover: keepEvery, Logger: d.o.Logger,
	})
	d.running.Go(func() { k.Every(ctx, keepEvery) })
}

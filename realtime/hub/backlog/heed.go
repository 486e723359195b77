package backlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/contain"
)

// heedEvery is how often a Budget is looked at, unless more is kept than it allows sooner.
const heedEvery = 250 * time.Millisecond

// Heed makes room whenever a Budget is short, until ctx ends.
func Heed(ctx context.Context, b *budget.Budget, k budget.Keeper, count realtime.Metrics, log *slog.Logger) {
	tick := time.NewTicker(heedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.Short():
		}
		_ = contain.Do(log, count, contain.Sweep, func() { b.MakeRoom(time.Now(), k, log) })
	}
}

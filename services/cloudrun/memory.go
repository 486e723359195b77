package cloudrun

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/tidewire/tidewire/realtime"
)

// memoryShare is how much of the container's memory Go may use. The rest is for what Go does not count: the
// binary itself, the buffers that the kernel charges to the container, and garbage made while collecting.
const memoryShare = 0.85

// limitMemory tells Go how much memory the container has. Go does not know it by itself, lets garbage grow in
// proportion to what lives, and is killed with all sockets of the instance. GOMEMLIMIT in the
// environment has precedence; without any limit nothing changes. limit is for tests, nil is the control group's.
func limitMemory(ctx context.Context, log *slog.Logger, limit memlimit.Provider) {
	if limit == nil {
		limit = memlimit.FromCgroup
	}
	bytes, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(limit))
	switch {
	case errors.Is(err, memlimit.ErrCgroupsNotSupported):
		// On a developer's machine, which has no control groups.
	case err != nil:
		log.WarnContext(ctx, "the memory limit is not known; set GOMEMLIMIT", realtime.KeyError, err)
	case bytes != math.MaxInt64:
		log.InfoContext(ctx, "memory is limited", realtime.KeyBytes, bytes)
	}
}

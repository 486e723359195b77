package faultybroker

import (
	"hash/fnv"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// dice are the choices of a broker or of one of its streams. Whoever has them guards them.
type dice struct {
	rng  *rand.Rand
	calm *atomic.Bool // the broker's; nothing happens by chance any more
}

// seeded returns the choices of a stream, or of the broker itself. They do not depend on
// those of others.
func seeded(seed uint64, of string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(of))
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // choices that can be made again
}

// chance decides whether something happens.
func (d dice) chance(p float64) bool { return p > 0 && !d.calm.Load() && d.rng.Float64() < p }

// upTo returns some time up to most, never none.
func (d dice) upTo(most time.Duration) time.Duration {
	return 1 + time.Duration(d.rng.Int64N(int64(most)))
}

// next returns when something happens next that happens every so often; zero is never.
func (d dice) next(now time.Time, every time.Duration) time.Time {
	if every <= 0 || d.calm.Load() {
		return time.Time{}
	}
	return now.Add(time.Duration(d.rng.ExpFloat64() * float64(every)))
}

package limit

import (
	"sync/atomic"
	"time"
)

// burst is what a full bucket holds: this much time at its rate.
const burst = 2 * time.Second

// bucket is a token bucket in one word: the moment, in nanoseconds since its Limiter began, at which it
// will be full. The rate is not kept but given with each use, so a changed
// document takes effect at once; taking needs no lock. This is the virtual scheduling form of the
// generic cell rate algorithm (ITU-T I.371), which decides as a token bucket
// does. golang.org/x/time/rate keeps 80 bytes for each, and there are three per
// connection and six per user. The zero bucket is full.
type bucket struct {
	full atomic.Int64
}

// price is how long n take to flow back at rate per second.
func price(n, rate int) int64 { return int64(n) * int64(time.Second) / int64(rate) }

// take takes what costs that much from a bucket of the given depth, or takes
// nothing and returns how long it has to wait.
func (b *bucket) take(now, cost, depth int64) (wait int64) {
	for {
		full := b.full.Load()
		if wait := lacks(full, now, cost, depth); wait > 0 {
			return wait
		}
		if b.full.CompareAndSwap(full, max(full, now)+cost) {
			return 0
		}
	}
}

// look says what take would, and takes nothing.
func (b *bucket) look(now, cost, depth int64) (wait int64) {
	return lacks(b.full.Load(), now, cost, depth)
}

// lacks returns how long what costs that much has to wait for a bucket that is full at a moment.
func lacks(full, now, cost, depth int64) (wait int64) {
	return max(max(full, now)+cost-now-max(depth, cost), 0) // what is larger than the bucket needs it full
}

// charge takes what costs that much, also from a bucket that has it not, and returns how long it takes until it
// would have had it.
func (b *bucket) charge(now, cost, depth int64) (wait int64) {
	for {
		full := b.full.Load()
		next := max(full, now) + cost
		if b.full.CompareAndSwap(full, next) {
			return max(next-now-depth, 0)
		}
	}
}

// giveBack undoes a take.
func (b *bucket) giveBack(cost int64) { b.full.Add(-cost) }

func (b *bucket) isFull(now int64) bool { return b.full.Load() <= now }

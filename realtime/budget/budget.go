// Package budget bounds the memory that a process keeps for its clients, for all tenants and hubs together.
package budget

import (
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/spread"
)

const (
	// seconds is how many seconds of records a Budget tells apart: more than a record may be old.
	seconds = 1024
	// socketCost is what an idle connection takes, resident, and may be refused for.
	socketCost = 9 << 10
	// retryAfter is when a connection may try again that was refused for memory.
	retryAfter = 5 * time.Second
)

// Budget is how much memory a process may keep for its clients: records, queues and sockets, of all tenants. The main
// makes one and gives it to all that keeps something. When it is short the oldest records of all go
// first, which a resume answers with gap; then the slowest clients are closed with CodeTooSlow; and while
// that does not suffice, new connections are refused with a time. It is safe for concurrent use. A nil
// Budget has no bound.
type Budget struct {
	room    int64
	live    func() (bytes int64, round uint64) // what is in use, as of a round of the garbage collector; nil: what is said counts
	records atomic.Int64
	ages    [seconds]atomic.Int64 // bytes of records by the second of publishing
	sockets atomic.Int64
	full    atomic.Bool   // connections are refused
	short   chan struct{} // holds one: records have grown beyond the room

	mu    sync.Mutex // guards all below; held by the one Hub that makes room
	acted uint64     // round of the last time that live was acted on
	said  time.Time  // when that it is short was last logged
}

// New returns a Budget of that many bytes, which counts what records and sockets say they take.
func New(bytes int) *Budget {
	return &Budget{room: int64(bytes), short: make(chan struct{}, 1)}
}

// Measured is New for a process that can say what is in use besides: inUse returns it, as of a round of the garbage
// collector, and the number of that round. A Budget asks it one call at a time.
func Measured(bytes int, inUse func() (bytes int64, round uint64)) *Budget {
	b := New(bytes)
	b.live = inUse
	return b
}

// OfProcess returns a Budget for the memory limit of the Go runtime (GOMEMLIMIT, debug.SetMemoryLimit),
// which counts what is in use as well. It leaves two fifths for garbage and what Go needs besides. Without a limit
// it returns nil.
func OfProcess() *Budget {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return nil
	}
	return Measured(int(limit/5*3), inUseByGo)
}

// inUseByGo is the heap that the last round of the collector found alive, and stacks.
func inUseByGo() (bytes int64, round uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() + samples[1].Value.Uint64()), samples[2].Value.Uint64()
}

// Take counts bytes of a record, published at ms; 0 if they belong to no event. Less than 0 gives back.
func (b *Budget) Take(n int, ms int64) {
	if b == nil {
		return
	}
	if ms != 0 {
		b.ages[uint64(ms/1000)%seconds].Add(int64(n))
	}
	b.records.Add(int64(n))
	if n > 0 && b.Over() {
		select {
		case b.short <- struct{}{}:
		default: // it is known
		}
	}
}

// Over reports whether records and sockets say that they take more than there is.
func (b *Budget) Over() bool {
	return b != nil && b.records.Load()+b.sockets.Load()*socketCost > b.room
}

// Records is what records say they take.
func (b *Budget) Records() int64 { return b.records.Load() }

// Published is what records say they take of events that were published in the second of a moment.
func (b *Budget) Published(at time.Time) int64 { return b.ages[uint64(at.Unix())%seconds].Load() }

// Short returns a channel from which a value comes when records have grown beyond what there is. Who receives it
// calls MakeRoom.
func (b *Budget) Short() <-chan struct{} { return b.short }

// Connect counts a connection, or refuses it.
func (b *Budget) Connect(id string) *realtime.Error {
	if b == nil {
		return nil
	}
	if b.sockets.Load() == 0 {
		b.full.Store(false) // and no Hub looks any more
	}
	if b.full.Load() || (b.sockets.Load()+1)*socketCost > b.room {
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "this instance has no memory left; connect again for another one", RetryAfter: retryAfter + spread.Part(retryAfter, id)}
	}
	b.sockets.Add(1)
	return nil
}

// Disconnect counts a connection no longer.
func (b *Budget) Disconnect() {
	if b != nil {
		b.sockets.Add(-1)
	}
}

// Keeper is what gives up memory when it is short: a Hub. A Budget calls it under a lock of its own, one method at a time.
type Keeper interface {
	// GiveUpUntil forgets what records hold that was published up to a moment, in ms.
	GiveUpUntil(ms int64)
	// CloseSlowest closes the clients with the longest queues until as many bytes are free, and returns how many are.
	CloseSlowest(bytes int64) int64
}

// MakeRoom has k give up what can be spared when the Budget is short: the oldest records of all tenants, then, when
// few are left, the queues of the slowest clients. While it is short all the same, connections are refused.
func (b *Budget) MakeRoom(now time.Time, k Keeper, log *slog.Logger) {
	b.mu.Lock()
	defer b.mu.Unlock()
	excess := b.excess()
	if excess <= 0 {
		b.full.Store(false)
		return
	}
	if now.Sub(b.said) >= time.Minute {
		b.said = now
		log.Warn("memory is short: the oldest events of all records are dropped", realtime.KeyBytes, excess)
	}
	before := b.records.Load()
	k.GiveUpUntil(b.until(excess, now))
	left := excess - (before - b.records.Load())
	if left > 0 && b.records.Load() <= b.room/8 {
		left -= k.CloseSlowest(left)
		b.full.Store(left > 0)
	}
	b.collect()
}

// excess is how much has to go, and whether that is by a round of the collector that has not been acted on. b.mu is held.
func (b *Budget) excess() (bytes int64) {
	bytes = b.records.Load() + b.sockets.Load()*socketCost - b.room
	if b.live != nil {
		live, round := b.live()
		if round != b.acted && live-b.room > bytes {
			b.acted, bytes = round, live-b.room
		}
	}
	if bytes > 0 {
		bytes += b.room / 16 // so that it is not short again at once
	}
	return bytes
}

// until is the publish time, ms, up to which records have to go so that as many bytes do.
func (b *Budget) until(bytes int64, now time.Time) int64 {
	for s := now.Unix() - seconds + 2; s < now.Unix()+1; s++ {
		if bytes -= max(0, b.ages[uint64(s)%seconds].Load()); bytes <= 0 {
			return s*1000 + 999
		}
	}
	return now.UnixMilli()
}

// collect has the garbage collected that eviction has made, so that the next look sees what it was worth.
func (b *Budget) collect() {
	if b.live != nil {
		runtime.GC()
		_, b.acted = b.live()
		b.acted-- // that round is to be acted on
	}
}

package realtimetest

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// retryMargin is what streams allow for publishers' retries in their claim.
const retryMargin = time.Minute

// FaultyBroker stands between hubs and a broker and misbehaves, by chance
// (FaultOptions) and on request (Stall, Break, ...), within what the contracts of realtime.Broker
// and realtime.Stream allow; only Lose goes beyond. It passes TestBroker.
//
// A stream holds in memory what it holds back, so it is for tests. It uses
// the time of package time alone, and Close waits for all its goroutines, so that it
// works in a testing/synctest bubble.
type FaultyBroker struct {
	inner   realtime.Broker
	options FaultOptions
	calm    atomic.Bool

	mu      sync.Mutex // guards what follows; taken after a stream's
	rng     *rand.Rand
	stats   FaultStats
	streams []*faultyStream
	follows uint64
	closed  bool
	// What was asked for by hand: how many of the next ones.
	refuse, disown, refuseFollows  int
	refusals, retries, lateReplays []time.Duration
	refusing                       map[lanePlace]*refusal

	closing chan struct{}  // closed by Close
	running sync.WaitGroup // copies to be stored, and refusals to be told, later
	close   sync.Once
	shut    error // what close met with
}

// NewFaultyBroker returns a broker around inner, which it closes when it is
// closed. One FaultyBroker serves any number of instances.
func NewFaultyBroker(inner realtime.Broker, o FaultOptions) *FaultyBroker {
	return &FaultyBroker{inner: inner, options: o.withDefaults(), rng: seeded(o.Seed, ""), closing: make(chan struct{})}
}

// Calm ends the faults by chance, for good: what is held back still comes. A test calls
// it before it judges what should have arrived.
func (b *FaultyBroker) Calm() { b.calm.Store(true) }

// Stats returns what was done so far.
func (b *FaultyBroker) Stats() FaultStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// count changes the counters.
func (b *FaultyBroker) count(change func(*FaultStats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.stats)
}

// fate is what becomes of one message or one Follow.
type fate struct {
	refused, disowned bool
	waits             bool          // it is refused later
	again             time.Duration // when a copy is stored; 0 is never
}

// Publish hands over to the inner broker, unless it refuses.
func (b *FaultyBroker) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	f := b.fateOf(topic, m, done)
	switch {
	case f.waits:
		return
	case f.refused:
		done(unavailable("nothing was stored"))
		return
	}
	if f.again > 0 {
		again := *m
		again.Data, again.Tags = bytes.Clone(m.Data), maps.Clone(m.Tags)
		b.later(f.again, topic, &again)
	}
	if f.disowned {
		b.inner.Publish(ctx, topic, m, func(error) {})
		done(unavailable("it may be stored")) // at once: nothing was handed over behind it meanwhile
		return
	}
	b.inner.Publish(ctx, topic, m, done)
}

func (b *FaultyBroker) fateOf(topic realtime.Topic, m *realtime.Message, done func(error)) (f fate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Published++
	switch {
	case b.refuseLate(lanePlace{topic, m.Channel}, done):
		b.stats.Refused++
		f.waits = true
		return f
	case take(&b.refuse) || b.chance(b.options.Refuse):
		f.refused = true
		b.stats.Refused++
		return f
	case take(&b.disown) || b.chance(b.options.Disown):
		f.disowned = true
		b.stats.Disowned++
	}
	if len(b.retries) > 0 {
		f.again, b.retries = b.retries[0], b.retries[1:]
	} else if b.chance(b.options.Retry) {
		f.again = b.upTo(b.options.RetryWithin)
	}
	return f
}

// take takes one of n, if there is one.
func take(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// chance and upTo are called with b.mu held.
func (b *FaultyBroker) chance(p float64) bool { return p > 0 && !b.calm.Load() && b.rng.Float64() < p }

func (b *FaultyBroker) upTo(d time.Duration) time.Duration {
	return 1 + time.Duration(b.rng.Int64N(int64(d)))
}

// later stores a copy after a while, unless the broker is closed before.
func (b *FaultyBroker) later(wait time.Duration, topic realtime.Topic, m *realtime.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.running.Go(func() {
		select {
		case <-time.After(wait):
		case <-b.closing:
			return
		}
		b.count(func(s *FaultStats) { s.Retried++ })
		b.inner.Publish(context.Background(), topic, m, func(error) {}) // nobody asks what became of a copy
	})
}

// Follow opens a stream of the inner broker's.
func (b *FaultyBroker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	refused, late, seed := b.fateOfFollow()
	if refused {
		return nil, unavailable("no stream was opened")
	}
	inner, err := b.inner.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	s := newFaultyStream(b, inner, topic, f, seed)
	if late > 0 {
		s.delayReplay(late)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errors.Join(unavailable("the broker is closed"), inner.Close(ctx))
	}
	b.streams = append(b.streams, s)
	s.start()
	return s, nil
}

func (b *FaultyBroker) fateOfFollow() (refused bool, late time.Duration, seed uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follows++
	if take(&b.refuseFollows) || b.chance(b.options.RefuseFollow) {
		b.stats.FollowsRefused++
		return true, 0, 0
	}
	if len(b.lateReplays) > 0 {
		late, b.lateReplays = b.lateReplays[0], b.lateReplays[1:]
	} else if b.chance(b.options.LateReplay) {
		late = b.upTo(b.options.LateReplayWithin)
	}
	if late > 0 {
		b.stats.LateReplays++
	}
	return false, late, b.options.Seed + b.follows
}

// Close ends all streams and then closes the inner broker. Copies that were to be stored later are not.
func (b *FaultyBroker) Close(ctx context.Context) error {
	b.close.Do(func() { b.shut = b.end(ctx) })
	return b.shut
}

func (b *FaultyBroker) end(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	streams := slices.Clone(b.streams)
	b.mu.Unlock()
	close(b.closing)
	b.running.Wait()
	var errs []error
	for _, s := range streams {
		errs = append(errs, s.Close(ctx))
	}
	return errors.Join(append(errs, b.inner.Close(ctx))...)
}

// forget takes a closed stream out.
func (b *FaultyBroker) forget(s *faultyStream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams = slices.DeleteFunc(b.streams, func(o *faultyStream) bool { return o == s })
}

// seeded returns the choices of a stream, or of the broker itself. They do not depend on
// those of others.
func seeded(seed uint64, of string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(of))
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // choices that can be made again
}

func unavailable(what string) error {
	return realtime.Errorf(realtime.CodeUnavailable, "a fault on request: %s", what)
}

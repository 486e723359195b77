package faultybroker

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// retryMargin is what streams allow for publishers' retries in their claim.
const retryMargin = time.Minute

// Broker stands between hubs and a broker and misbehaves, by chance
// (Options) and on request (Stall, Break, ...), within what the contracts of realtime.Broker
// and realtime.Stream allow; only Lose goes beyond. It passes realtimetest.TestBroker.
type Broker struct {
	inner   realtime.Broker
	options Options
	calm    atomic.Bool
	counts  counters

	mu      sync.Mutex // guards what follows; taken after a stream's
	dice    dice
	streams []*stream
	follows uint64
	closed  bool
	// What was asked for by hand: how many of the next ones.
	refuse, disown, refuseFollows  int
	refuseAdds, hangAdds           int
	refusals, retries, lateReplays []time.Duration
	refusing                       map[lanePlace]*refusal

	closing chan struct{}  // closed by Close
	running sync.WaitGroup // copies to be stored, and refusals to be told, later
	close   sync.Once
	shut    error // what close met with
}

// New returns a broker around inner, which it closes when it is
// closed. One Broker serves any number of instances.
func New(inner realtime.Broker, o Options) *Broker {
	b := &Broker{inner: inner, options: o.withDefaults(), closing: make(chan struct{})}
	b.dice = dice{seeded(o.Seed, ""), &b.calm}
	return b
}

// Calm ends the faults by chance, for good: what is held back still comes. A test calls
// it before it judges what should have arrived.
func (b *Broker) Calm() { b.calm.Store(true) }

// Stats returns what was done so far.
func (b *Broker) Stats() Stats { return b.counts.read() }

// fate is what becomes of one message or one Follow.
type fate struct {
	refused, disowned bool
	waits             bool          // it is refused later
	again             time.Duration // when a copy is stored; 0 is never
}

// Publish hands over to the inner broker, unless it refuses.
func (b *Broker) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
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

func (b *Broker) fateOf(topic realtime.Topic, m *realtime.Message, done func(error)) (f fate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.count(func(s *Stats) { s.Published++ })
	switch {
	case b.refuseLate(lanePlace{topic, m.Channel}, done):
		b.counts.count(func(s *Stats) { s.Refused++ })
		f.waits = true
		return f
	case take(&b.refuse) || b.dice.chance(b.options.Refuse):
		f.refused = true
		b.counts.count(func(s *Stats) { s.Refused++ })
		return f
	case take(&b.disown) || b.dice.chance(b.options.Disown):
		f.disowned = true
		b.counts.count(func(s *Stats) { s.Disowned++ })
	}
	if len(b.retries) > 0 {
		f.again, b.retries = b.retries[0], b.retries[1:]
	} else if b.dice.chance(b.options.Retry) {
		f.again = b.dice.upTo(b.options.RetryWithin)
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

// later stores a copy after a while, unless the broker is closed before.
func (b *Broker) later(wait time.Duration, topic realtime.Topic, m *realtime.Message) {
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
		b.counts.count(func(s *Stats) { s.Retried++ })
		b.inner.Publish(context.Background(), topic, m, func(error) {}) // nobody asks what became of a copy
	})
}

// Follow opens a stream of the inner broker's.
func (b *Broker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := follow(ctx, b, topic, f, b.inner.Follow)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// follow is Follow of a stream that is opened by open.
func follow(ctx context.Context, b *Broker, topic realtime.Topic, f realtime.Following, open func(context.Context, realtime.Topic, realtime.Following) (realtime.Stream, error)) (*stream, error) {
	refused, late, seed := b.fateOfFollow()
	if refused {
		return nil, unavailable("no stream was opened")
	}
	inner, err := open(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	s := newStream(b, inner, topic, f, seed)
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

func (b *Broker) fateOfFollow() (refused bool, late time.Duration, seed uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follows++
	if take(&b.refuseFollows) || b.dice.chance(b.options.RefuseFollow) {
		b.counts.count(func(s *Stats) { s.FollowsRefused++ })
		return true, 0, 0
	}
	if len(b.lateReplays) > 0 {
		late, b.lateReplays = b.lateReplays[0], b.lateReplays[1:]
	} else if b.dice.chance(b.options.LateReplay) {
		late = b.dice.upTo(b.options.LateReplayWithin)
	}
	if late > 0 {
		b.counts.count(func(s *Stats) { s.LateReplays++ })
	}
	return false, late, b.options.Seed + b.follows
}

// Close ends all streams and then closes the inner broker. Copies that were to be stored later are not.
func (b *Broker) Close(ctx context.Context) error {
	b.close.Do(func() {
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
		b.shut = errors.Join(append(errs, b.inner.Close(ctx))...)
	})
	return b.shut
}

// forget takes a closed stream out.
func forget(b *Broker, s *stream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams = slices.DeleteFunc(b.streams, func(o *stream) bool { return o == s })
}

func unavailable(what string) error {
	return realtime.Errorf(realtime.CodeUnavailable, "a fault on request: %s", what)
}

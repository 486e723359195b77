package faultybroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// batch is the most a Receive returns.
const batch = 256

// stream takes from the inner stream at once, into lanes, and gives out
// what is due when Receive is called. All decisions are made in Receive and in
// arrive; there is no goroutine but the one that takes.
type stream struct {
	broker    *Broker
	inner     realtime.Stream
	topic     realtime.Topic
	following realtime.Following

	taking sync.WaitGroup
	cancel context.CancelFunc // ends the taking
	close  func(context.Context) error
	ended  chan struct{} // closed by Close
	poked  chan struct{} // holds one when there may be something to do

	mu    sync.Mutex // guards what follows
	dice  dice
	lanes map[realtime.Channel]*lane
	order []*lane
	turn  int   // the lane that comes first next time
	err   error // the stream has ended with it
	broke error // to be returned once

	replay    []realtime.Message // withheld until replayAt, unless that is zero
	replayAt  time.Time
	replayEnd int64 // the millisecond up to which it reaches

	stalledUntil time.Time
	// The next faults by chance; zero is never.
	stallAt, breakAt, endAt time.Time
	// What was asked for by hand.
	lose      int
	cutFences int

	out []realtime.Message // what the last Receive returned
}

func newStream(b *Broker, inner realtime.Stream, topic realtime.Topic, f realtime.Following, seed uint64) *stream {
	s := &stream{
		broker: b, inner: inner, topic: topic, following: f,
		ended: make(chan struct{}), poked: make(chan struct{}, 1),
		dice: dice{seeded(seed, fmt.Sprintf("%s %s %d", topic, f.Instance, f.Generation)), &b.calm}, lanes: map[realtime.Channel]*lane{},
	}
	now := time.Now()
	s.stallAt, s.breakAt, s.endAt = s.dice.next(now, b.options.StallEvery), s.dice.next(now, b.options.BreakEvery), s.dice.next(now, b.options.EndEvery)
	s.close = onceWithContext(s.shut)
	return s
}

// delayReplay withholds what was published up to now, and returns when this
// millisecond is over: all of it belongs to the replay, since no reader could tell the order of
// what is live and what is replayed within one.
func (s *stream) delayReplay(late time.Duration) {
	now := time.Now()
	s.replayAt, s.replayEnd = now.Add(late), now.UnixMilli()
	<-time.After(time.UnixMilli(s.replayEnd + 1).Sub(now))
}

// start begins to take from the inner stream.
func (s *stream) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.taking.Go(func() {
		for {
			messages, err := s.inner.Receive(ctx)
			s.mu.Lock()
			now := time.Now()
			for i := range messages {
				s.invert(&messages[i])
				s.arrive(&messages[i], now)
			}
			broken := errors.Is(err, realtime.ErrBroken)
			if broken {
				s.broke = err
			} else if err != nil && s.err == nil {
				s.err = err
			}
			s.mu.Unlock()
			s.poke()
			if err != nil && !broken {
				return
			}
		}
	})
}

// invert gives a fence a later time. It depends on the fence alone.
func (s *stream) invert(m *realtime.Message) {
	o := &s.broker.options
	if m.Kind != realtime.KindFence || o.Invert == 0 || s.broker.calm.Load() {
		return
	}
	if rng := seeded(o.Seed, m.ID); rng.Float64() < o.Invert {
		m.Time = m.Time.Add(time.Duration(rng.Int64N(int64(o.InvertWithin))).Truncate(time.Millisecond))
		s.broker.counts.count(func(st *Stats) { st.Inverted++ })
	}
}

// Receive returns what is due.
func (s *stream) Receive(ctx context.Context) ([]realtime.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("receive from topic %q: %w", s.topic, err)
		}
		select {
		case <-s.ended:
			return nil, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", s.topic)
		default:
		}
		messages, next, err := s.due(time.Now())
		if len(messages) > 0 || err != nil {
			s.broker.counts.count(func(st *Stats) { st.Delivered += len(messages) })
			return messages, err
		}
		s.wait(ctx, next)
	}
}

// wait returns when something may be due.
func (s *stream) wait(ctx context.Context, next time.Time) {
	var timer <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(time.Until(next))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-s.poked:
	case <-s.ended:
	case <-ctx.Done():
	}
}

// poke wakes a Receive that waits.
func (s *stream) poke() {
	select {
	case s.poked <- struct{}{}:
	default: // it has been told already
	}
}

// due returns what Receive returns now, or the time of the next thing to happen.
func (s *stream) due(now time.Time) (messages []realtime.Message, next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happen(now)
	if s.err != nil {
		return nil, next, s.err
	}
	if err, s.broke = s.broke, nil; err != nil {
		return nil, next, err
	}
	next = earliest(s.stallAt, s.breakAt, s.endAt, s.replayAt)
	if now.Before(s.stalledUntil) {
		return nil, earliest(next, s.stalledUntil), nil
	}
	clear(s.out)
	s.out = s.out[:0]
	s.turn++
	for i := range s.order {
		l := s.order[(s.turn+i)%len(s.order)]
		s.give(l, now)
		if now.Before(l.held) {
			next = earliest(next, l.held)
		}
	}
	return s.out, next, nil
}

// give moves what a lane has into the batch. A redelivery ends it.
func (s *stream) give(l *lane, now time.Time) {
	for len(l.queue) > 0 && len(s.out) < batch && !now.Before(l.held) {
		p := l.pop(s.broker.options.Outstanding, now)
		s.out = append(s.out, p.message)
		if !p.again && s.dice.chance(s.broker.options.Redeliver) {
			s.redeliver(l, 1+s.dice.rng.IntN(s.outstanding(l, now)), s.dice.upTo(s.broker.options.RedeliverWithin), now)
		}
	}
}

// CompleteSince is the inner stream's claim if the stream had all that there ever was, else
// never earlier than a minute after the start of the replay, for the retries.
func (s *stream) CompleteSince() time.Time {
	claim, since := s.inner.CompleteSince(), s.following.Since
	if honest := since.Add(retryMargin); claim.After(since) && claim.Before(honest) {
		return honest
	}
	return claim
}

// Close lets the stream go and waits for its goroutine.
func (s *stream) Close(ctx context.Context) error { return s.close(ctx) }

func (s *stream) shut(ctx context.Context) error {
	close(s.ended)
	s.cancel()
	err := s.inner.Close(ctx)
	s.taking.Wait()
	forget(s.broker, s)
	return err
}

// onceWithContext calls f once; later calls wait for it and return the same.
func onceWithContext(f func(context.Context) error) func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() { err = f(ctx) })
		return err
	}
}

// earliest returns the first of some moments, of which zero ones are none.
func earliest(moments ...time.Time) time.Time {
	moments = slices.DeleteFunc(moments, time.Time.IsZero)
	if len(moments) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(moments, time.Time.Compare)
}

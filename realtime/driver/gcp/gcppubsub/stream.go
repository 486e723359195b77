package gcppubsub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// stream pulls from one subscription. The client's
// own Receive would hide that a pull was interrupted, gather acknowledgements and extend
// deadlines; a Hub acknowledges at once and wants to know.
type stream struct {
	broker   *Broker
	topic    realtime.Topic
	name     string // of the subscription
	complete time.Time

	reading *reading // of a durable stream; nil acknowledges at once

	client  string     // what names the puller to Pub/Sub, the same for all of its pulls
	came    chan batch // from the pull
	ended   chan struct{}
	cancel  context.CancelFunc
	pulling sync.WaitGroup

	mu  sync.Mutex // guards err
	err error      // why it has ended

	closing sync.Once
	closed  error // of closing

	last []realtime.Message // what the last Receive returned; only Receive touches it
}

// batch is what one answer of a pull brought, or the error that interrupted it.
type batch struct {
	messages []realtime.Message
	acks     []string // of a durable stream: what acknowledges them
	err      error
}

const (
	// batchesWaiting is how many answers may wait for the Hub; then pulling stops, and Pub/Sub waits.
	batchesWaiting = 8

	reopenMin = 50 * time.Millisecond
	reopenMax = 5 * time.Second
)

// open begins to pull.
func (b *Broker) open(s *stream) error {
	s.client = rand.Text()
	s.came, s.ended = make(chan batch, batchesWaiting), make(chan struct{})
	pulling, cancel := context.WithCancel(b.life)
	s.cancel = cancel

	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		cancel()
		return errClosed()
	}
	b.streams[s] = struct{}{}
	s.pulling.Go(func() { s.end(s.pull(pulling)) })
	return nil
}

// pull pulls from the subscription until ctx ends or it will never work again. A pull
// that breaks is begun again at once, and more slowly if that brings nothing.
func (s *stream) pull(ctx context.Context) error {
	for wait := time.Duration(0); ; wait = min(max(2*wait, reopenMin), reopenMax) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		brought, err := s.pullOnce(ctx)
		if ctx.Err() != nil || s.reading.left() {
			return context.Canceled
		}
		if lasting(err) {
			return brokerError("receive from topic "+string(s.topic), err)
		}
		if err := s.put(ctx, batch{err: errBroken(s.topic, err)}); err != nil {
			return err
		}
		if brought {
			wait = 0
		}
	}
}

// put hands a batch to Receive.
func (s *stream) put(ctx context.Context, b batch) error {
	if len(b.messages)+len(b.acks) == 0 && b.err == nil {
		return nil
	}
	select {
	case s.came <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end says that nothing will come any more.
func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.ended)
	}
}

// Receive waits for what comes next.
func (s *stream) Receive(ctx context.Context) ([]realtime.Message, error) {
	clear(s.last) // so that a stream that waits holds no data
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("receive from topic %q: %w", s.topic, err)
	}
	select {
	case b := <-s.came:
		return s.take(b)
	case <-ctx.Done():
		return nil, fmt.Errorf("receive from topic %q: %w", s.topic, ctx.Err())
	case <-s.ended:
	}
	select {
	case b := <-s.came: // it came before the end
		return s.take(b)
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.err, context.Canceled) {
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", s.topic)
	}
	return nil, s.err
}

// take is what Receive returns of a batch.
func (s *stream) take(b batch) ([]realtime.Message, error) {
	s.last = b.messages
	if s.reading != nil {
		s.reading.took(b.acks)
	}
	return b.messages, b.err
}

// CompleteSince is the start of the replay and the RetryMargin.
func (s *stream) CompleteSince() time.Time { return s.complete }

// Close ends the pull and deletes the subscription, unless that is a reading's.
func (s *stream) Close(ctx context.Context) error {
	if s.reading != nil {
		return (&durable{s}).Close(ctx)
	}
	s.closing.Do(func() {
		s.cancel()
		s.pulling.Wait()
		s.broker.mu.Lock()
		delete(s.broker.streams, s)
		s.broker.mu.Unlock()
		s.closed = s.broker.left.let(ctx, s.name)
		s.broker.budget.freed()
	})
	return s.closed
}

package pubsubemulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// stream is a stream and, for a while, its twin.
type stream struct {
	realtime.Stream // the elder
	twin            *twin
	topic           realtime.Topic
	log             *slog.Logger
	forget          func(*stream)

	came    chan batch // from both
	ended   chan struct{}
	cancel  context.CancelFunc
	reading sync.WaitGroup

	err error // why it has ended; read after ended is closed

	closing sync.Once
	within  context.Context // of closing, set before what start began with is cancelled
	closed  error           // of closing
}

// batch is what one Receive brought.
type batch []realtime.Message

// batchesWaiting is how many may wait for the Hub.
const batchesWaiting = 8

// start begins to read both.
func (s *stream) start(younger realtime.Stream) {
	ctx, cancel := context.WithCancel(context.Background()) // until Close
	s.cancel = cancel
	s.reading.Go(func() {
		s.err = s.readElder(ctx)
		close(s.ended)
	})
	s.reading.Go(func() { s.readTwin(ctx, younger) })
}

// readElder reads until nothing will come any more. The emulator never brings again what was under way when a pull was interrupted, nor
// what comes later of its keys; following anew does, so that the stream ends there.
func (s *stream) readElder(ctx context.Context) error {
	for {
		messages, err := s.Stream.Receive(ctx)
		if errors.Is(err, realtime.ErrBroken) {
			// What has ended is no ErrBroken, after which a caller would go on.
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the emulator's stream was interrupted", RetryAfter: retryAfter, Err: errors.New(err.Error())}
		}
		if err == nil {
			err = s.twin.hold(slices.Clone(messages), func(b batch) error { return s.put(ctx, b) })
		}
		if err != nil {
			return err
		}
	}
}

// put hands a batch to Receive.
func (s *stream) put(ctx context.Context, b batch) error {
	if len(b) == 0 {
		return nil
	}
	select {
	case s.came <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readTwin brings what the twin is for, and lets it go when no more of that comes.
func (s *stream) readTwin(ctx context.Context, younger realtime.Stream) {
	put := func(b batch) error { return s.put(ctx, b) }
	reading, cancel := context.WithTimeout(ctx, twinAtMost)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		tick := time.NewTicker(twinQuiet / 10)
		defer tick.Stop()
		for !s.twin.quiet() {
			select {
			case <-tick.C:
			case <-reading.Done():
				return
			}
		}
	})
	var err error
	for err == nil {
		var messages []realtime.Message
		if messages, err = younger.Receive(reading); err == nil {
			err = s.twin.bring(slices.Clone(messages), put)
		}
	}
	if reading.Err() == nil {
		s.log.Warn("the emulator's replay was cut short", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
	cancel()
	watching.Wait()
	if err := s.twin.end(put); err != nil {
		s.log.Debug("a stream was closed during its replay", realtime.KeyTopic, s.topic)
	}
	if err := s.closeTwin(ctx, younger); err != nil {
		s.log.Warn("a subscription was left behind", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
}

// closeTwin has the time of whoever closes the stream, and a short one of its own while nobody does.
func (s *stream) closeTwin(ctx context.Context, younger realtime.Stream) error {
	if ctx.Err() != nil {
		return younger.Close(s.within)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return younger.Close(closing)
}

// Receive waits for what comes next, from either.
func (s *stream) Receive(ctx context.Context) ([]realtime.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("receive from topic %q: %w", s.topic, err)
	}
	select {
	case b := <-s.came:
		return b, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("receive from topic %q: %w", s.topic, ctx.Err())
	case <-s.ended:
	}
	select {
	case b := <-s.came: // it came before the end
		return b, nil
	default:
	}
	if errors.Is(s.err, context.Canceled) {
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", s.topic)
	}
	return nil, s.err
}

// Close ends both.
func (s *stream) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.within = ctx
		s.cancel()
		s.reading.Wait()
		s.forget(s)
		s.closed = s.Stream.Close(ctx)
	})
	return s.closed
}

package pubsubemulator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Broker is a broker on the emulator whose streams have everything. It is safe for concurrent use.
type Broker struct {
	realtime.Broker
	log *slog.Logger

	mu      sync.Mutex // guards streams
	streams map[*stream]struct{}
}

// NewBroker returns a broker around inner, which it closes when it is closed. A nil log discards.
func NewBroker(inner realtime.Broker, log *slog.Logger) *Broker {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Broker{Broker: inner, log: log, streams: map[*stream]struct{}{}}
}

const (
	// twinAfter is when a twin is made: when what its elder lacks has been published.
	twinAfter = 300 * time.Millisecond
	// twinGeneration tells a twin from the stream that it is for.
	twinGeneration = 1 << 62
	// closeTime bounds the closing of what a caller of Follow, or nobody, waits for.
	closeTime = 2 * time.Second
	// retryAfter is when to follow anew.
	retryAfter = 2 * time.Second
)

// Follow opens a stream and, a moment later, its twin, and returns both as one.
func (b *Broker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	elder, err := b.Broker.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	made, younger, err := b.followTwin(ctx, topic, f)
	if err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return nil, errors.Join(err, elder.Close(closing))
	}
	s := &stream{
		Stream: elder, twin: newTwin(f.Instance, made), topic: topic, log: b.log,
		came: make(chan batch, batchesWaiting), ended: make(chan struct{}),
		forget: func(s *stream) {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.streams, s)
		},
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams[s] = struct{}{}
	s.start(younger)
	return s, nil
}

func (b *Broker) followTwin(ctx context.Context, topic realtime.Topic, f realtime.Following) (made time.Time, twin realtime.Stream, err error) {
	select {
	case <-time.After(twinAfter):
	case <-ctx.Done():
		return made, nil, &realtime.Error{Code: realtime.CodeUnavailable, Message: "could not replay topic " + string(topic), RetryAfter: retryAfter, Err: ctx.Err()}
	}
	made = time.Now()
	f.Generation |= twinGeneration
	twin, err = b.Broker.Follow(ctx, topic, f)
	return made, twin, err
}

// Retention is that of the inner broker.
func (b *Broker) Retention() time.Duration { return realtime.RetentionOf(b.Broker) }

// Close ends all streams, and closes the inner broker.
func (b *Broker) Close(ctx context.Context) error {
	b.mu.Lock()
	streams := b.streams
	b.streams = map[*stream]struct{}{}
	b.mu.Unlock()
	var all sync.WaitGroup
	for s := range streams {
		all.Go(func() {
			if err := s.Close(ctx); err != nil {
				b.log.WarnContext(ctx, "a subscription was not deleted", realtime.KeyTopic, s.topic, realtime.KeyError, err)
			}
		})
	}
	err := b.Broker.Close(ctx)
	all.Wait()
	return err
}

package gcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/realtime"
)

// stream pulls from one subscription, and for a while from its twin on the emulator. The client's
// own Receive would hide that a pull was interrupted, gather acknowledgements and extend
// deadlines; a Hub acknowledges at once and wants to know.
type stream struct {
	broker   *Broker
	topic    realtime.Topic
	name     string // of the subscription
	complete time.Time

	line   *line
	came   chan batch // from the pulls
	ended  chan struct{}
	cancel context.CancelFunc
	pulls  sync.WaitGroup

	mu  sync.Mutex // guards err
	err error      // why it has ended

	closing sync.Once
	closed  error // of closing

	last []realtime.Message // what the last Receive returned; only Receive touches it
}

// batch is what one answer of a pull brought, or the error that interrupted it.
type batch struct {
	messages []realtime.Message
	err      error
}

const (
	// batchesWaiting is how many answers may wait for the Hub; then pulling stops, and Pub/Sub waits.
	batchesWaiting = 8
	// pullMessages and pullBytes are what Pub/Sub may have under way to one stream.
	pullMessages = 2000
	pullBytes    = 32 << 20

	reopenMin = 50 * time.Millisecond
	reopenMax = 5 * time.Second
)

// open begins to pull.
func (b *Broker) open(ctx context.Context, s *stream, t *twin) (err error) {
	if s.line, err = b.lines.take(ctx); err != nil {
		return err
	}
	s.came, s.ended = make(chan batch, batchesWaiting), make(chan struct{})
	pulling, cancel := context.WithCancel(b.life)
	s.cancel = cancel

	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		cancel()
		b.lines.give(s.line)
		return errClosed()
	}
	b.streams[s] = struct{}{}
	if t != nil {
		s.pulls.Go(func() { s.pullTwin(pulling, t) })
	}
	s.pulls.Go(func() { s.end(s.pull(pulling, s.name, t.endsIfBroken(t.hold(s.put)))) })
	return nil
}

// pull pulls from a subscription until ctx ends or it will never work again. A pull
// that breaks is begun again at once, and more slowly if that brings nothing.
func (s *stream) pull(ctx context.Context, subscription string, put func(context.Context, batch) error) error {
	for wait := time.Duration(0); ; wait = min(max(2*wait, reopenMin), reopenMax) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		brought, err := s.pullOnce(ctx, subscription, put)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if lasting(err) {
			return brokerError("receive from topic "+string(s.topic), err)
		}
		if err := put(ctx, batch{err: errBroken(s.topic, err)}); err != nil {
			return err
		}
		if brought {
			wait = 0
		}
	}
}

// pullOnce pulls until it is interrupted. Everything is acknowledged as it comes: what the Hub
// holds is not durable, and a replay brings what it loses.
func (s *stream) pullOnce(ctx context.Context, subscription string, put func(context.Context, batch) error) (brought bool, err error) {
	ctx, cancel := context.WithCancel(ctx) // ends the call
	defer cancel()
	call, err := s.line.client.StreamingPull(ctx)
	if err != nil {
		return false, err
	}
	err = call.Send(&pubsubpb.StreamingPullRequest{
		Subscription: subscription, StreamAckDeadlineSeconds: int32(ackDeadline / time.Second),
		MaxOutstandingMessages: pullMessages, MaxOutstandingBytes: pullBytes,
	})
	for err == nil {
		var answer *pubsubpb.StreamingPullResponse
		if answer, err = call.Recv(); err != nil {
			break
		}
		if len(answer.GetReceivedMessages()) == 0 {
			continue
		}
		brought = true
		messages, acks := s.read(answer.GetReceivedMessages())
		if err = call.Send(&pubsubpb.StreamingPullRequest{AckIds: acks}); errors.Is(err, io.EOF) {
			_, err = call.Recv() // which says why the call has ended
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
		}
		if put := put(ctx, batch{messages: messages}); put != nil {
			return brought, put
		}
	}
	return brought, err
}

// read decodes what came. What is no message of Tidewire is acknowledged and counted.
func (s *stream) read(received []*pubsubpb.ReceivedMessage) (messages []realtime.Message, acks []string) {
	messages = make([]realtime.Message, 0, len(received))
	acks = make([]string, 0, len(received))
	for _, r := range received {
		acks = append(acks, r.GetAckId())
		m, err := decode(r.GetMessage())
		if err != nil {
			s.broker.metrics.Add(realtime.CountDrops, "", "malformed", 1)
			s.broker.o.Logger.Debug("a message on a topic is not Tidewire's", realtime.KeyTopic, s.topic, realtime.KeyError, err)
			continue
		}
		messages = append(messages, m)
	}
	return messages, acks
}

// put hands a batch to Receive.
func (s *stream) put(ctx context.Context, b batch) error {
	if len(b.messages) == 0 && b.err == nil {
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
		s.last = b.messages
		return b.messages, b.err
	case <-ctx.Done():
		return nil, fmt.Errorf("receive from topic %q: %w", s.topic, ctx.Err())
	case <-s.ended:
	}
	select {
	case b := <-s.came: // it came before the end
		s.last = b.messages
		return b.messages, b.err
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.err, context.Canceled) {
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", s.topic)
	}
	return nil, s.err
}

// CompleteSince is the start of the replay and the RetryMargin.
func (s *stream) CompleteSince() time.Time { return s.complete }

// Close ends the pull and deletes the subscription.
func (s *stream) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.cancel()
		s.pulls.Wait()
		s.broker.lines.give(s.line)
		s.broker.mu.Lock()
		delete(s.broker.streams, s)
		s.broker.mu.Unlock()
		s.closed = s.broker.left.let(ctx, s.name)
		s.broker.budget.freed()
	})
	return s.closed
}

package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// stream is an index into the log of its topic.
type stream struct {
	broker   *Broker
	topic    *topic
	instance string // that follows
	number   int64  // tells it from every other stream
	created  time.Time
	complete time.Time
	only     realtime.Channel // of which something is wanted; zero: all
	channels *channels        // those that were added; nil: it brings all
	wake     chan struct{}    // holds one when there may be something new
	ended    chan struct{}    // closed by end
	ending   sync.Once

	next  uint64 // index of the message to read; guarded by topic.mu
	waits bool   // it is in topic.waiting; guarded by topic.mu

	batch []realtime.Message // what the last Receive returned; only Receive touches it
}

// Receive returns what lies together in the log, at most 256 messages.
func (s *stream) Receive(ctx context.Context) ([]realtime.Message, error) {
	clear(s.batch) // so that a stream that waits holds no data
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("receive from topic %q: %w", s.topic.name, err)
		}
		select {
		case <-s.ended:
			return nil, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", s.topic.name)
		default:
		}
		run, more, missed := s.read()
		if missed > 0 {
			return nil, realtime.Errorf(realtime.CodeTooSlow, "topic %q dropped %d messages before they were read; follow it again", s.topic.name, missed)
		}
		if more {
			// A copy, because the caller may do with it as it likes. No lock is needed: what is
			// in a chunk does not change.
			s.batch = append(s.batch[:0], run...)
			if !s.only.IsZero() {
				s.batch = slices.DeleteFunc(s.batch, func(m realtime.Message) bool { return m.Channel != s.only })
			}
			if len(s.batch) > 0 {
				return s.batch, nil
			}
			continue
		}
		select {
		case <-s.wake:
		case <-s.ended:
		case <-ctx.Done():
		}
	}
}

// read moves past what it returns, or puts the stream among those that wait. more says that it has moved, though perhaps nothing of that is for the stream.
func (s *stream) read() (run []realtime.Message, more bool, missed uint64) {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.channels != nil && s.channels.replays() {
		run, missed = s.channels.replay(&t.log, s.next)
		return run, true, missed
	}
	run, missed = t.log.read(s.next)
	s.next += uint64(len(run))
	more = len(run) > 0
	if s.channels != nil {
		more = more || len(s.channels.pending) > 0
		run = s.channels.live(run)
	}
	if !more && missed == 0 && !s.waits {
		s.waits = true
		t.waiting = append(t.waiting, s)
	}
	return run, more, missed
}

// CompleteSince is the moment the broker began to be, if the stream began with
// all that was ever published to the topic; else the start of its replay and
// RetryMargin.
func (s *stream) CompleteSince() time.Time { return s.complete }

// Close lets the stream go.
func (s *stream) Close(context.Context) error {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	s.end()
	return nil
}

// end takes the stream out of its topic; topic.mu is held.
func (s *stream) end() {
	s.ending.Do(func() {
		close(s.ended)
		delete(s.topic.streams, s)
		if i := slices.Index(s.topic.waiting, s); i >= 0 {
			s.topic.waiting = slices.Delete(s.topic.waiting, i, i+1)
		}
		s.broker.streams.Add(-1)
	})
}

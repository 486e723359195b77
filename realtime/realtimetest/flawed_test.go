package realtimetest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// flawedBroker does what the fields say and otherwise what the memory broker does.
type flawedBroker struct {
	realtime.Broker
	publish  func(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error))
	follow   func(topic *realtime.Topic, f *realtime.Following)
	receive  func(ctx context.Context, s realtime.Stream) ([]realtime.Message, error)
	complete func() time.Time
	add      func(ctx context.Context, s realtime.ChannelStream, c realtime.Channel, since time.Time) (time.Time, error)
	remains  bool // a channel that is removed stays added
	keeps    func() time.Duration
	open     bool // a closed stream stays open
	again    error
	closed   atomic.Bool
	fails    atomic.Pointer[string] // the ID of the message that is to fail
}

func (b *flawedBroker) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if b.publish == nil {
		b.Broker.Publish(ctx, topic, m, done)
		return
	}
	b.publish(ctx, topic, m, done)
}

func (b *flawedBroker) Retention() time.Duration {
	if b.keeps == nil {
		return realtime.RetentionOf(b.Broker)
	}
	return b.keeps()
}

func (b *flawedBroker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	if b.follow != nil {
		b.follow(&topic, &f)
	}
	s, err := b.Broker.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	return &flawedStream{s, b}, nil
}

func (b *flawedBroker) FollowsChannels() bool { return true }

func (b *flawedBroker) FollowChannels(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.ChannelStream, error) {
	s, err := b.Broker.(realtime.ChannelFollower).FollowChannels(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	return &flawedChannels{flawedStream{s, b}, s}, nil
}

type flawedChannels struct {
	flawedStream
	channels realtime.ChannelStream
}

func (s *flawedChannels) Add(ctx context.Context, c realtime.Channel, since time.Time) (time.Time, error) {
	if s.broker.add == nil {
		return s.channels.Add(ctx, c, since)
	}
	return s.broker.add(ctx, s.channels, c, since)
}

func (s *flawedChannels) Remove(ctx context.Context, c realtime.Channel) error {
	if s.broker.remains {
		return nil
	}
	return s.channels.Remove(ctx, c)
}

func (b *flawedBroker) Close(ctx context.Context) error {
	if b.closed.Swap(true) {
		return b.again
	}
	return b.Broker.Close(ctx)
}

type flawedStream struct {
	realtime.Stream
	broker *flawedBroker
}

func (s *flawedStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	if s.broker.receive == nil {
		return s.Stream.Receive(ctx)
	}
	return s.broker.receive(ctx, s.Stream)
}

func (s *flawedStream) CompleteSince() time.Time {
	if s.broker.complete == nil {
		return s.Stream.CompleteSince()
	}
	return s.broker.complete()
}

func (s *flawedStream) Close(ctx context.Context) error {
	if s.broker.open {
		return nil
	}
	return s.Stream.Close(ctx)
}

// changed hands over a changed message instead.
func changed(change func(n int, m *realtime.Message)) func(*flawedBroker) {
	return func(b *flawedBroker) {
		n := 0
		b.publish = func(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
			other := *m
			n++
			change(n, &other)
			b.Broker.Publish(ctx, topic, &other, done)
		}
	}
}

// received changes what a stream returns.
func received(change func([]realtime.Message)) func(*flawedBroker) {
	return func(b *flawedBroker) {
		b.receive = func(ctx context.Context, s realtime.Stream) ([]realtime.Message, error) {
			messages, err := s.Receive(ctx)
			change(messages)
			return messages, err
		}
	}
}

package faultybroker

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.ChannelFollower = (*Broker)(nil)

// channelStream is a stream of single channels.
type channelStream struct{ *stream }

// FollowsChannels reports whether the inner broker does.
func (b *Broker) FollowsChannels() bool { return realtime.FollowsChannels(b.inner) != nil }

// FollowChannels opens a stream of single channels of the inner broker's.
func (b *Broker) FollowChannels(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.ChannelStream, error) {
	inner := realtime.FollowsChannels(b.inner)
	if inner == nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "the inner broker cannot bring single channels")
	}
	s, err := follow(ctx, b, topic, f, func(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
		s, err := inner.FollowChannels(ctx, topic, f)
		if err != nil {
			return nil, err
		}
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return channelStream{s}, nil
}

// RefuseAdd answers the next n calls of Add and Remove with CodeUnavailable.
func RefuseAdd(b *Broker, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuseAdds += n
}

// HangAdd lets the next n calls of Add and Remove hang until they are given up.
func HangAdd(b *Broker, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hangAdds += n
}

// Add adds a channel to the inner stream, unless it is refused. What that brings may be late, in its order.
func (s channelStream) Add(ctx context.Context, c realtime.Channel, since time.Time) (time.Time, error) {
	f := s.fateOfAdd(ctx)
	if f.refused {
		return time.Time{}, unavailable("the channel was not added")
	}
	if f.again > 0 {
		s.mu.Lock()
		s.delay(s.lane(c), time.Now().Add(f.again), s.broker.options.DelayWithin)
		s.mu.Unlock()
	}
	complete, err := s.inner.(realtime.ChannelStream).Add(ctx, c, since) //nolint:forcetypeassert // see FollowChannels
	if err == nil && f.disowned {
		return time.Time{}, unavailable("the channel may be added")
	}
	if honest := since.Add(retryMargin); complete.After(since) && complete.Before(honest) {
		complete = honest
	}
	return complete, err
}

// Remove removes it from the inner stream, unless it is refused. What waits for the reader still comes.
func (s channelStream) Remove(ctx context.Context, c realtime.Channel) error {
	f := s.fateOfAdd(ctx)
	if f.refused {
		return unavailable("the channel was not removed")
	}
	err := s.inner.(realtime.ChannelStream).Remove(ctx, c) //nolint:forcetypeassert // see FollowChannels
	if err == nil && f.disowned {
		return unavailable("the channel may be removed")
	}
	return err
}

// fateOfAdd is what becomes of an Add or a Remove. One that hangs does so until ctx ends.
func (s channelStream) fateOfAdd(ctx context.Context) (f fate) {
	b := s.broker
	b.mu.Lock()
	hangs := take(&b.hangAdds)
	switch {
	case take(&b.refuseAdds) || b.dice.chance(b.options.RefuseAdd):
		f.refused = true
	case b.dice.chance(b.options.DisownAdd):
		f.disowned = true
	}
	if b.dice.chance(b.options.LateAdd) {
		f.again = b.dice.upTo(b.options.LateAddWithin)
	}
	b.mu.Unlock()
	if hangs {
		<-ctx.Done()
		f.refused = true
	}
	b.counts.count(func(st *Stats) {
		st.Added++
		if f.refused || f.disowned {
			st.AddsRefused++
		}
	})
	return f
}

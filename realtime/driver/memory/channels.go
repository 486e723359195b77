package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.ChannelFollower = (*Broker)(nil)

// channels are those that a stream brings which follows single ones. It is guarded by topic.mu.
//
// A channel that was added has first what was published to it before, up to where the stream stands in the log, by a pass through that; then it
// is live. Several channels that were added meanwhile share the next pass. Between two passes the stream goes on.
type channels struct {
	added   map[realtime.Channel]bool   // whether they are live
	pending map[realtime.Channel]uint64 // the next pass begins for each at an index
	pass    map[realtime.Channel]uint64 // the same of the one under way; nil: none is
	next    uint64                      // index of what it reads next
	rests   bool                        // the stream goes on before the next
	found   []realtime.Message
}

// FollowsChannels is BrokerOptions.SingleChannels.
func (b *Broker) FollowsChannels() bool { return b.options.SingleChannels }

// channelStream is a stream of single channels.
type channelStream struct{ *stream }

// FollowChannels is Follow of what belongs to the topic as a whole, and of the channels that are added. A stream of them reads the whole log, and
// returns what is its own.
func (b *Broker) FollowChannels(ctx context.Context, name realtime.Topic, f realtime.Following) (realtime.ChannelStream, error) {
	s, err := b.follow(ctx, name, f, &channels{added: map[realtime.Channel]bool{}, pending: map[realtime.Channel]uint64{}})
	if err != nil {
		return nil, err
	}
	return channelStream{s}, nil
}

// Add has the stream bring a channel.
func (s channelStream) Add(ctx context.Context, c realtime.Channel, since time.Time) (complete time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("add a channel to a stream of topic %q: %w", s.topic.name, err)
	}
	b, t := s.broker, s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-s.ended:
		return time.Time{}, realtime.Errorf(realtime.CodeUnavailable, "the stream of topic %q is closed", t.name)
	default:
	}
	now := b.now()
	from := min(max(since.UnixMilli(), now-b.options.Retention.Milliseconds()), now)
	index := t.log.since(from)
	complete = b.completeSince(&t.log, index, from)
	s.channels.added[c], s.channels.pending[c] = false, index
	delete(s.channels.pass, c)
	select {
	case s.wake <- struct{}{}:
	default: // it has been told already
	}
	return complete, nil
}

// Remove has the stream bring it no more.
func (s channelStream) Remove(_ context.Context, c realtime.Channel) error {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	delete(s.channels.added, c)
	delete(s.channels.pending, c)
	delete(s.channels.pass, c)
	return nil
}

// replays reports whether a pass is to go on.
func (cs *channels) replays() bool {
	if cs.rests {
		cs.rests = false
		return false
	}
	return cs.pass != nil || len(cs.pending) > 0
}

// replay returns what the pass finds next, up to where the stream stands in the log. missed says how many were evicted before they were read.
func (cs *channels) replay(l *log, until uint64) (found []realtime.Message, missed uint64) {
	if cs.pass == nil {
		cs.pass, cs.pending, cs.next = cs.pending, map[realtime.Channel]uint64{}, until
		for _, index := range cs.pass {
			cs.next = min(cs.next, index)
		}
	}
	cs.found = cs.found[:0]
	if cs.next < until {
		run, missed := l.read(cs.next)
		if missed > 0 {
			return nil, missed
		}
		run = run[:min(uint64(len(run)), until-cs.next)]
		for i := range run {
			if m := &run[i]; ofChannel(m) {
				if from, is := cs.pass[m.Channel]; is && from <= cs.next+uint64(i) {
					cs.found = append(cs.found, *m)
				}
			}
		}
		cs.next += uint64(len(run))
	}
	if cs.next >= until {
		for c := range cs.pass {
			cs.added[c] = true
		}
		cs.pass, cs.rests = nil, true
	}
	return cs.found, 0
}

// live returns those of some messages that the stream brings.
func (cs *channels) live(run []realtime.Message) []realtime.Message {
	clear(cs.found[:cap(cs.found)]) // so that a stream that waits holds no data
	cs.found = cs.found[:0]
	for i := range run {
		if m := &run[i]; !ofChannel(m) || cs.added[m.Channel] {
			cs.found = append(cs.found, *m)
		}
	}
	return cs.found
}

// ofChannel reports whether a message belongs to a channel, rather than to the topic as a whole.
func ofChannel(m *realtime.Message) bool {
	return m.Kind == realtime.KindPublication || m.Kind == realtime.KindFence
}

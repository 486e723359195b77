package realtime

import (
	"context"
	"time"
)

// ChannelFollower is a Broker that can bring single channels of a topic, so that an instance whose clients want one channel of 100,000
// receives one of them. A Hub uses it where it is there, and follows the whole topic for what single channels do not show, such as a subscription to
// a pattern. Implementations are safe for concurrent use; realtimetest.TestBroker is this contract as a test, for each Broker that has it.
type ChannelFollower interface {
	// FollowsChannels reports whether FollowChannels is of use. It does not change. A Broker that stands before another one says what that says.
	FollowsChannels() bool

	// FollowChannels is Broker.Follow of a stream that brings single channels; none in the beginning. What belongs to the topic as a whole
	// it brings as any Stream does, from Following.Since on: every message that is neither a Publication nor a fence, whether it names a channel or not.
	// Following.Channel is zero.
	//
	// Such streams count as any others: there are two of an instance and a topic while one replaces the other, of whichever kind.
	FollowChannels(ctx context.Context, topic Topic, f Following) (ChannelStream, error)
}

// ChannelStream is a Stream that brings the Publications and fences of those channels only that were added to it. Add and Remove are called
// for a channel by one goroutine at a time, for several channels by many, and while another goroutine waits in Receive, which
// need not be called for them to return.
//
// A stream takes as many channels as an instance has clients for: tens of thousands. ErrBroken concerns all that were added, and they stay added; what was
// under way may come late or twice, and until a fence has come back through a channel nobody knows whether all of it came. After any other error of Receive
// the stream has ended, and with it all that was added.
//
// CompleteSince is for what belongs to the topic as a whole. Of a channel, Add says it.
type ChannelStream interface {
	Stream

	// Add has the stream bring a channel: what was published to it since a moment, as far as the topic keeps it, and then all that is new, in
	// one order. A fence that is published to the channel once Add has returned comes back behind all of that. What is older than since may come as well.
	//
	// complete is the moment from which on the stream has had, once such a fence has come back, every Publication of the channel, and the first copy of each:
	// since plus the time within which a publisher's retry may repeat an event, or the moment the topic began to be.
	//
	// Add of a channel that was added begins it anew: what was published since then comes again, behind what has come before.
	// ctx bounds Add; it returns within a second after that has ended. After an error, the channel may be added or not: none of it may come, or some, or all. It is
	// to be added again or removed. An error says nothing of the other channels, and holds none of them up.
	Add(ctx context.Context, c Channel, since time.Time) (complete time.Time, err error)

	// Remove has the stream bring a channel no more. What was under way may still come, but nothing of it behind what a later Add brings. That
	// the channel was not added is no error. After an error it may be added still.
	Remove(ctx context.Context, c Channel) error
}

// FollowsChannels returns a broker as one that can bring single channels; nil if it cannot.
func FollowsChannels(b Broker) ChannelFollower {
	if f, ok := b.(ChannelFollower); ok && f.FollowsChannels() {
		return f
	}
	return nil
}

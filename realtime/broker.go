package realtime

import (
	"context"
	"errors"
	"time"
)

// Broker carries Messages between instances. Implementations are safe for
// concurrent use. realtimetest.TestBroker is this contract as a test. One that keeps messages for another time than DefaultRetention is a
// Retainer as well, and one that can bring single channels a ChannelFollower.
type Broker interface {
	// Publish hands m over to the topic and returns as soon as its place in the order of
	// its channel is fixed: messages of one channel that are handed over one after
	// the other arrive at every Stream in that order. It does not wait for
	// the message to be stored.
	//
	// done is called exactly once, perhaps before Publish returns and perhaps on
	// another goroutine: with nil when the message is
	// stored and every Stream will have it, else with an error. It must not block, but for the time of another call of
	// Publish, so a Publish calls no done but its own and holds no lock that another one needs while it calls it. After
	// an error the message may or may not be stored. An *Error with CodeUnavailable or CodeLimited is worth a retry,
	// one with CodeTooLarge or CodeNotFound (no such topic) is not. Cancelling ctx ends the
	// wait: done is called soon after.
	//
	// An error that is worth a retry leaves the order of the channel as it was: whatever was handed over to the channel
	// after m, and before that call of done has returned, fails as well, with an error that is worth a retry, and is
	// never stored unless m is stored before it. So a publisher that publishes m again, and then what came after it, has
	// published in order, however many it had handed over meanwhile. One that looks for failures before it hands over the next
	// message lets no done return in between.
	//
	// The broker sets Time, in whole milliseconds, and carries every other field unchanged. Within a channel
	// it never decreases for one publisher, and by less than Pace.Skew for several that publish at once. It does not keep m or its Data and
	// Tags after Publish has returned.
	Publish(ctx context.Context, topic Topic, m *Message, done func(error))

	// Follow opens a stream of what is published to the topic from now on, and of
	// what was published since the moment since, as far as the topic keeps it. What is older
	// comes again ("replay") at some time, mixed with what is new, each channel's
	// messages in order within the replay and within the live part. instance
	// names who follows, and there is one Stream per topic and instance at a time, or two
	// while one replaces the other; generation tells these apart.
	//
	// ctx bounds the opening only. An *Error with CodeNotFound says that there is no such
	// topic, CodeLimited that the budget of subscriptions is used up, CodeUnavailable
	// that it is worth a retry.
	Follow(ctx context.Context, topic Topic, f Following) (Stream, error)

	// Close lets everything go, ends all streams, and waits for what was handed over. When ctx ends it gives up what is
	// left, and its error says so: it returns soon after, whatever the broker does. It may be called twice.
	Close(ctx context.Context) error
}

// Following says who follows a topic and from when.
type Following struct {
	Instance   string
	Generation uint64    // 1, 2, ... of this instance and topic
	Since      time.Time // start of the replay
	// Channel is the only one of which the stream has to bring anything, its fences too; what else comes need not be everything. Zero: all.
	Channel Channel
}

// ErrBroken says that a Stream was interrupted and goes on: what was under way may
// come late or twice, and until a fence has come back nobody knows whether all of it came.
var ErrBroken = errors.New("the stream was interrupted")

// Stream is one instance's view of a topic. Receive is called by one goroutine
// at a time; Close and CompleteSince by any.
type Stream interface {
	// Receive waits for messages and returns those that have come, in order,
	// at least one. It may repeat a message, even long after, and need not know
	// that it does. Cancelling ctx ends it within a second. An error that wraps ErrBroken
	// leaves the stream usable; after any other the stream has ended.
	//
	// The messages belong to the caller until its next call of Receive; Data
	// and Tags are shared with every other stream and never change, so they may be kept. Data is not a part of
	// something larger, which would be kept with it.
	Receive(ctx context.Context) ([]Message, error)

	// CompleteSince is the moment from which, once the replay has come, the stream has had
	// every Publication, and the first copy of each: a replay's start plus the time within which a
	// publisher's retry may repeat an event, or the moment the topic began to be.
	CompleteSince() time.Time

	// Close lets the stream go, at the broker too. It may be called twice, and
	// ends a Receive that waits.
	Close(ctx context.Context) error
}

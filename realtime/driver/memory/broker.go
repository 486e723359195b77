package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// BrokerOptions are the settings of a Broker. The zero value works.
type BrokerOptions struct {
	// Retention is how long a topic keeps what was published, and so how far
	// back a replay reaches; 0 is 10 minutes. It should not be below the
	// resume horizon of the hubs.
	Retention time.Duration
	// TopicBytes bounds what a topic keeps; above it the oldest goes, and a stream
	// that has not read it yet ends. 0 is 64 MiB.
	TopicBytes int
	// Bytes bounds what all topics together keep; above it the oldest of all goes, as it does above
	// TopicBytes, which is then at most a quarter of it. 0 is no bound.
	Bytes int
	// MessageBytes is the largest Data; more is refused with CodeTooLarge. 0 is
	// 10,000,000, which is what Pub/Sub takes.
	MessageBytes int
	// RetryMargin is the time within which a publisher may repeat an event; see
	// CompleteSince. 0 is a minute.
	RetryMargin time.Duration
	// Streams is how many may be open at once; Follow refuses more with
	// CodeLimited. 0 is no limit.
	Streams int
	// SingleChannels lets hubs follow single channels (realtime.ChannelFollower) rather than whole topics.
	SingleChannels bool
	// Topics reports whether there is such a topic; what it denies is refused with
	// CodeNotFound. nil lets a topic begin with its first use.
	Topics func(realtime.Topic) bool
}

// Broker is a realtime.Broker within one process. A topic is a log that all its
// streams read by index: a message is copied once, when it is published,
// whatever the number of streams, and a stream that does not read holds nothing
// back. A stream that falls behind what the log keeps ends with an error of
// CodeTooSlow, and its owner follows anew.
//
// The memory is at most TopicBytes and one message per topic; a topic that has been
// used costs some hundred bytes until Close. Broker starts no goroutines.
type Broker struct {
	options BrokerOptions
	bounds  bounds
	began   int64 // ms

	clock   atomic.Int64 // the newest Time given, ms
	swept   atomic.Int64 // when idle topics were last looked at, ms
	streams atomic.Int64 // open
	opened  atomic.Int64 // streams ever
	bytes   atomic.Int64 // of all topics

	mu     sync.RWMutex // guards what follows; taken before a topic's
	topics map[realtime.Topic]*topic
	closed bool
}

// NewBroker returns a broker without topics.
func NewBroker(options BrokerOptions) *Broker {
	if options.Retention <= 0 {
		options.Retention = realtime.DefaultRetention
	}
	if options.TopicBytes <= 0 {
		options.TopicBytes = 64 << 20
	}
	if options.Bytes > 0 {
		options.TopicBytes = min(options.TopicBytes, options.Bytes/4)
	}
	if options.MessageBytes <= 0 {
		options.MessageBytes = 10_000_000
	}
	if options.RetryMargin <= 0 {
		options.RetryMargin = time.Minute
	}
	b := &Broker{
		options: options,
		// Kept a little longer than a replay may begin, so that a replay of everything has
		// time to be read.
		bounds: bounds{bytes: options.TopicBytes, age: options.Retention.Milliseconds() * (chunksPerLog + 1) / chunksPerLog},
		topics: map[realtime.Topic]*topic{},
	}
	b.began = b.now()
	b.swept.Store(b.began)
	return b
}

// Retention is how long a topic keeps what was published.
func (b *Broker) Retention() time.Duration { return b.options.Retention }

// Publish appends a copy of m to the topic's log and calls done before it
// returns. All streams that are open have the message from then on.
func (b *Broker) Publish(ctx context.Context, name realtime.Topic, m *realtime.Message, done func(error)) {
	done(b.publish(ctx, name, m))
}

func (b *Broker) publish(ctx context.Context, name realtime.Topic, m *realtime.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish to topic %q: %w", name, err)
	}
	if len(m.Data) > b.options.MessageBytes {
		return realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes, got %d", b.options.MessageBytes, len(m.Data))
	}
	t, err := b.topic(name)
	if err != nil {
		return err
	}
	stored := *m
	stored.Data = bytes.Clone(m.Data)
	stored.Tags = maps.Clone(m.Tags)
	size := sizeOf(&stored)

	t.mu.Lock()
	now := b.now()
	stored.Time = time.UnixMilli(now)
	before := t.log.bytes
	t.log.append(&stored, size, b.bounds)
	t.log.evict(now, b.bounds)
	b.bytes.Add(int64(t.log.bytes - before))
	t.wake()
	t.mu.Unlock()
	b.fit()

	b.sweep(now)
	return nil
}

// Follow opens a stream that begins with what was published since f.Since, as
// far as it is kept, and goes on with what is new, in one sequence. A zero Since replays all
// that is kept. An instance may open any number of streams.
func (b *Broker) Follow(ctx context.Context, name realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := b.follow(ctx, name, f, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// follow is Follow of all channels, or of those that are added.
func (b *Broker) follow(ctx context.Context, name realtime.Topic, f realtime.Following, c *channels) (*stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("follow topic %q: %w", name, err)
	}
	t, err := b.topic(name)
	if err != nil {
		return nil, err
	}
	s := &stream{
		broker: b, topic: t, instance: f.Instance, number: b.opened.Add(1), created: time.Now(), only: f.Channel, channels: c,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed()
	}
	if err := b.admit(); err != nil {
		return nil, err
	}
	now := b.now()
	from := max(f.Since.UnixMilli(), now-b.options.Retention.Milliseconds())
	s.next = t.log.since(from)
	if from > now {
		s.next = t.log.next
	}
	s.complete = b.completeSince(&t.log, s.next, min(from, now))
	t.streams[s] = struct{}{}
	return s, nil
}

// completeSince is the claim of a stream that begins at an index of the log,
// with what was published from the moment from on.
func (b *Broker) completeSince(l *log, index uint64, from int64) time.Time {
	if index == 0 && l.trimmed == 0 {
		return time.UnixMilli(b.began - 1) // the stream has all that there ever was, and there was nothing before
	}
	return time.UnixMilli(max(from, l.trimmed+1)).Add(b.options.RetryMargin)
}

// Close ends all streams and forgets everything. What is published or followed
// afterwards fails with CodeUnavailable. It waits for nothing.
func (b *Broker) Close(context.Context) error {
	b.mu.Lock()
	topics := b.topics
	b.topics, b.closed = nil, true
	b.mu.Unlock()
	for _, t := range topics {
		t.mu.Lock()
		t.closed = true
		for s := range t.streams {
			s.end()
		}
		t.mu.Unlock()
	}
	return nil
}

// now is the clock of the broker: milliseconds that never go back.
func (b *Broker) now() int64 {
	for {
		last, now := b.clock.Load(), time.Now().UnixMilli()
		if now <= last {
			return last
		}
		if b.clock.CompareAndSwap(last, now) {
			return now
		}
	}
}

// admit counts a stream that is about to open.
func (b *Broker) admit() error {
	open, limit := b.streams.Add(1), int64(b.options.Streams)
	if limit == 0 || open <= limit {
		return nil
	}
	b.streams.Add(-1)
	return &realtime.Error{
		Code: realtime.CodeLimited, Limit: "streams", RetryAfter: time.Second,
		Message: fmt.Sprintf("streams: %d are open, which is the limit; close one or raise it", limit),
	}
}

func errClosed() error {
	return realtime.Errorf(realtime.CodeUnavailable, "the broker is closed")
}

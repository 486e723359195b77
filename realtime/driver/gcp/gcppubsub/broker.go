package gcppubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
)

// BrokerOptions configure a Broker. The zero value works.
type BrokerOptions struct {
	// Retention is how long a topic made by EnsureTopic keeps messages, which bounds how far back
	// a replay reaches; 0 is 10 minutes, which is the least Pub/Sub takes.
	Retention time.Duration
	// PublishDelay is how long a message waits for others of its channel. 0 is not at all: what comes while a
	// request of the channel is under way goes with the next one, which gathers a burst as well
	// as a delay does (BenchmarkPublish).
	PublishDelay time.Duration
	// PublishTimeout is how long the broker tries to store a message; 0 is 8 s.
	PublishTimeout time.Duration
	// PendingBytes bounds what was handed over and is not stored yet; what would exceed it is
	// refused with CodeUnavailable. 0 is 64 MiB.
	PendingBytes int64
	// RetryMargin is the time within which a publisher may repeat an event; see
	// realtime.Stream.CompleteSince. 0 is a minute.
	RetryMargin time.Duration
	// Redelivery is how long what a reading's stream was given is held back, if it ends without acknowledging or closing: from 10 s to
	// 10 min. 0 is 90 s, which is more than a keeper's run takes.
	Redelivery time.Duration
	// Subscriptions is how many the project may have before Follow refuses with CodeLimited; Pub/Sub's own
	// wall is 10,000 a project. 0 is 9,000.
	Subscriptions int
	// StreamsPerConnection is how many streams share a gRPC connection, of which Pub/Sub takes 100;
	// 0 is 80.
	StreamsPerConnection int
	// PingEvery is how often a stream is given a sign of life; one whose server has shown none for half as long again is
	// opened anew. 0 is 30 s, as Google's own clients have it.
	PingEvery time.Duration
	Logger    *slog.Logger // nil discards
}

func (o BrokerOptions) withDefaults() BrokerOptions {
	defaultTo(&o.Retention, realtime.DefaultRetention)
	defaultTo(&o.PublishTimeout, 8*time.Second)
	defaultTo(&o.PendingBytes, 64<<20)
	defaultTo(&o.RetryMargin, time.Minute)
	defaultTo(&o.Redelivery, 90*time.Second)
	defaultTo(&o.Subscriptions, 9000)
	defaultTo(&o.StreamsPerConnection, 80)
	defaultTo(&o.PingEvery, 30*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Broker is a realtime.Broker on Pub/Sub. Topics are made by EnsureTopic, or by
// Terraform, never by use. It is safe for concurrent use.
type Broker struct {
	project  string
	region   string // in which messages are stored; empty: where the project's policy says
	emulator bool   // it speaks to one
	o        BrokerOptions
	metrics  realtime.Metrics
	client   *pubsub.Client // publishes and administers
	lines    *lines         // the connections streams are pulled over
	budget   *budget        // of the project's subscriptions
	left     *leftovers     // subscriptions to be deleted

	life context.Context // ends with Close: of streams and of what outlives a call
	end  context.CancelFunc

	mu      sync.Mutex // guards what follows
	topics  map[realtime.Topic]*publisher
	streams map[*stream]struct{}
	pending int64 // bytes handed over and not stored yet
	closed  bool

	running sync.WaitGroup // every goroutine; Add under mu and not after closed
}

// OpenBroker returns a broker of the project. It makes no call before it is used. Close it.
func OpenBroker(ctx context.Context, c gcp.Connection, o BrokerOptions) (*Broker, error) {
	client, err := pubsub.NewClient(ctx, c.Project, c.PubSub()...)
	if err != nil {
		return nil, fmt.Errorf("open pub/sub of project %s: %w", c.Project, err)
	}
	metrics := c.Metrics
	if metrics == nil {
		metrics = realtime.NoMetrics{}
	}
	region := c.Region
	if c.PubSubEmulator != "" {
		region = "" // it is in none, and refuses a topic's change of its storage policy
	}
	b := &Broker{
		project: c.Project, region: region, emulator: c.PubSubEmulator != "", o: o.withDefaults(), metrics: metrics, client: client,
		topics: map[realtime.Topic]*publisher{}, streams: map[*stream]struct{}{},
	}
	b.budget = &budget{limit: b.o.Subscriptions, count: b.countSubscriptions, metrics: b.metrics}
	b.left = &leftovers{remove: b.deleteSubscription, broker: b, paths: map[string]struct{}{}}
	b.lines = newLines(c.PubSubStreams(), b.o.StreamsPerConnection)
	b.life, b.end = context.WithCancel(context.Background())
	return b, nil
}

// Retention is how long topics that EnsureTopic makes keep messages. Terraform makes them alike.
func (b *Broker) Retention() time.Duration { return b.o.Retention }

// Close ends all streams and deletes their subscriptions, waits for what was handed over, and
// closes the connections. When ctx ends before that, it closes the connections at once: subscriptions that are
// left are the janitor's, and whether what was handed over is stored is not known.
func (b *Broker) Close(ctx context.Context) error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	streams, topics := b.streams, b.topics
	b.streams, b.topics = map[*stream]struct{}{}, map[realtime.Topic]*publisher{}
	b.mu.Unlock()
	if closed {
		return within(ctx, b.running.Wait) // somebody else closes it
	}
	var all sync.WaitGroup
	for s := range streams {
		all.Go(func() {
			if err := s.Close(ctx); err != nil {
				b.o.Logger.WarnContext(ctx, "a subscription was not deleted", realtime.KeyTopic, s.topic, realtime.KeyError, err)
			}
		})
	}
	for _, p := range topics {
		all.Go(p.stop)
	}
	err := within(ctx, all.Wait)
	b.end()
	if err == nil {
		err = within(ctx, b.running.Wait)
	}
	return errors.Join(err, b.lines.close(), b.client.Close())
}

// within waits for what does not know ctx, until ctx ends.
func within(ctx context.Context, wait func()) error {
	done := make(chan struct{})
	go func() { wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the broker: %w", ctx.Err())
	}
}

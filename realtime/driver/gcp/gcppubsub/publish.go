package gcppubsub

import (
	"context"
	"fmt"

	pubsub "cloud.google.com/go/pubsub/v2"

	"github.com/tidewire/tidewire/realtime"
)

// MaxData is the largest Data of a Message. A request to Pub/Sub holds ten million
// bytes with the attributes, which is what a Publication of most tags leaves room for.
const MaxData = 9_900_000

// messageOverhead is what a message takes beside its Data, roughly.
const messageOverhead = 1 << 10

// publisher hands messages of one topic to Pub/Sub, which gathers per ordering key what
// comes while a request of that key is under way.
//
// Once a request has failed the client refuses what it has gathered of the key, until ResumePublish. That is called when
// everything that was handed over of the key has been settled, and meanwhile nothing more of it is taken, so that
// nothing is stored ahead of what failed before it.
type publisher struct {
	client *pubsub.Publisher
	keys   map[string]*keyUnderWay // those with messages under way; guarded by Broker.mu
}

// keyUnderWay is an ordering key with messages under way. It is guarded by Broker.mu.
type keyUnderWay struct {
	unsettled int
	failed    bool // one of them has
}

func (b *Broker) newPublisher(topic realtime.Topic) *publisher {
	c := b.client.Publisher(b.topicPath(topic))
	c.EnableMessageOrdering = true
	c.PublishSettings.DelayThreshold = b.o.PublishDelay
	c.PublishSettings.Timeout = b.o.PublishTimeout
	// Bounded here, for all topics together: the client's own bound would
	// pause the key of what it refuses.
	c.PublishSettings.FlowControlSettings = pubsub.FlowControlSettings{LimitExceededBehavior: pubsub.FlowControlIgnore}
	return &publisher{client: c, keys: map[string]*keyUnderWay{}}
}

// Publish hands m over to the topic. Messages of one channel go one request after
// the other, each request with all that have gathered meanwhile.
func (b *Broker) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if err := b.publish(ctx, topic, m, done); err != nil {
		done(err)
	}
}

// publish calls done later unless it returns an error.
func (b *Broker) publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish to topic %q: %w", topic, err)
	}
	if len(m.Data) > MaxData {
		return realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes, got %d", MaxData, len(m.Data))
	}
	if !m.Kind.Known() {
		return realtime.Errorf(realtime.CodeBadRequest, "kind: must be %d to %d, got %d", realtime.KindPublication, realtime.KindCensus, m.Kind)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed()
	}
	p := b.topics[topic]
	if p == nil {
		p = b.newPublisher(topic)
		b.topics[topic] = p
	}
	size := int64(len(m.Data) + messageOverhead)
	if b.pending > 0 && b.pending+size > b.o.PendingBytes {
		return &realtime.Error{
			Code: realtime.CodeUnavailable, Limit: "pendingBytes", RetryAfter: retryAfter,
			Message: fmt.Sprintf("%d bytes are waiting to be stored, the limit is %d", b.pending, b.o.PendingBytes),
		}
	}
	message := encode(m)
	key := message.OrderingKey
	if !p.begin(key) {
		return &realtime.Error{
			Code: realtime.CodeUnavailable, RetryAfter: retryAfter,
			Message: "a message before it on its channel could not be published to topic " + string(topic),
		}
	}
	b.pending += size
	result := p.client.Publish(ctx, message)
	b.running.Go(func() { b.settle(ctx, topic, p, key, size, result, done) })
	return nil
}

// begin counts a message under way, unless one of its key has failed. Broker.mu is held.
func (p *publisher) begin(key string) bool {
	if key == "" {
		return true
	}
	k := p.keys[key]
	if k == nil {
		k = &keyUnderWay{}
		p.keys[key] = k
	}
	if k.failed {
		return false
	}
	k.unsettled++
	return true
}

// settle tells done what became of a message, and forgets it once Pub/Sub has.
func (b *Broker) settle(ctx context.Context, topic realtime.Topic, p *publisher, key string, size int64, result *pubsub.PublishResult, done func(error)) {
	told := false
	select {
	case <-result.Ready():
	case <-ctx.Done():
		done(brokerError("publish to topic "+string(topic), ctx.Err()))
		told = true
		<-result.Ready()
	}
	_, err := result.Get(context.WithoutCancel(ctx))
	if err != nil {
		b.failed(p, key)
	}
	if !told {
		done(brokerError("publish to topic "+string(topic), err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending -= size
	if k := p.keys[key]; k != nil {
		if k.unsettled--; k.unsettled > 0 {
			return
		}
		delete(p.keys, key)
		if k.failed {
			p.client.ResumePublish(key)
		}
	}
}

// failed takes note of a failure, before anybody hears of it.
func (b *Broker) failed(p *publisher, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := p.keys[key]; k != nil { // messages without a channel have no order
		k.failed = true
	}
}

// stop sends what was handed over and ends the client's goroutines.
func (p *publisher) stop() { p.client.Stop() }

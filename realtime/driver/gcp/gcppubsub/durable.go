package gcppubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.DurableReader = (*Broker)(nil)

// The settings of a reading's subscription. Nobody's instance is in its labels, so that the janitor leaves it alone. One that nobody has
// pulled from for a month has lost all but a week of what it was for, and goes.
const (
	readingRetention  = 7 * 24 * time.Hour
	readingExpiration = 31 * 24 * time.Hour
	// seekSettles is how long a seek takes at most until it is seen everywhere (https://cloud.google.com/pubsub/docs/replay-overview).
	seekSettles = time.Minute
	// quietAfter is how long a message of another channel may be behind, as far as anybody can know.
	quietAfter = 2 * time.Second
)

// reading is what a durable stream has beyond others.
type reading struct {
	from    time.Time
	leaving chan struct{} // closed when nothing more is wanted

	mu      sync.Mutex // guards unacked
	unacked []string   // what acknowledges all that Receive has returned
}

// left reports whether nothing more is wanted.
func (r *reading) left() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.leaving:
		return true
	default:
		return false
	}
}

func (r *reading) took(acks []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unacked = append(r.unacked, acks...)
}

// taken returns what is to be acknowledged, or given back, and forgets it.
func (r *reading) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	acks := r.unacked
	r.unacked = nil
	return acks
}

// DurablePace is that of Pub/Sub. The emulator has no seek to wait for.
func (b *Broker) DurablePace() realtime.DurablePace {
	p := realtime.DurablePace{Redelivery: b.o.Redelivery, Settle: seekSettles, Quiet: quietAfter, Retention: readingRetention}
	if b.emulator {
		p.Settle = 0
	}
	return p
}

// Read pulls from the subscription of a reading, which it makes if there is none.
func (b *Broker) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	name := b.subscriptionPath(readingName(topic, r.Name))
	from, err := readFrom(ctx, b, topic, name, r.Back)
	if err != nil {
		return nil, brokerError("read topic "+string(topic), err)
	}
	s := &stream{broker: b, topic: topic, name: name, reading: &reading{from: from, leaving: make(chan struct{})}}
	if err := b.open(s); err != nil {
		return nil, err
	}
	return &durable{s}, nil
}

// readFrom makes a subscription and moves it back over what its topic keeps, unless it is there. From is the moment that it
// goes back to; zero if it goes on where it was. Who dies in between leaves one that has not gone back; a keeper that has saved nothing yet goes
// back in any case.
func readFrom(ctx context.Context, b *Broker, topic realtime.Topic, name string, back bool) (from time.Time, err error) {
	var have *pubsubpb.Subscription
	err = b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) (err error) {
		have, err = subs.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: name})
		return err
	})
	if err == nil && back && b.emulator { // it has no seek; a new subscription gets all that its topic keeps
		if err = b.deleteSubscription(ctx, name); err == nil {
			err = status.Error(codes.NotFound, "it was deleted to go back")
		}
	}
	made := status.Code(err) == codes.NotFound
	if made {
		have, err = makeReading(ctx, b, topic, name)
	}
	if err != nil || !made && !back {
		return time.Time{}, err
	}
	kept, err := keptBy(ctx, b, topic, have)
	if err == nil {
		from = time.Now().Add(-kept)
		err = b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) error {
			return seek(ctx, subs, name, from)
		})
	}
	if err == nil || b.emulator && status.Code(err) == codes.Unimplemented {
		return from, nil
	}
	if made {
		abandon(ctx, b, name)
	}
	return time.Time{}, err
}

// makeReading makes a subscription. The emulator never gives again what an ordered one had under way when its pull was cut; without order it does.
func makeReading(ctx context.Context, b *Broker, topic realtime.Topic, name string) (made *pubsubpb.Subscription, err error) {
	labels := labels("", time.Now())
	labels[labelKind] = "read"
	delete(labels, labelInstance)
	err = b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) (err error) {
		made, err = subs.CreateSubscription(ctx, &pubsubpb.Subscription{
			Name: name, Topic: b.topicPath(topic), Labels: labels,
			AckDeadlineSeconds:       int32(ackDeadline / time.Second),
			EnableMessageOrdering:    !b.emulator,
			MessageRetentionDuration: durationpb.New(readingRetention),
			ExpirationPolicy:         &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(readingExpiration)},
		})
		if status.Code(err) == codes.AlreadyExists {
			made, err = subs.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: name})
		}
		return err
	})
	return made, err
}

// EndReading deletes the subscription.
func (b *Broker) EndReading(ctx context.Context, topic realtime.Topic, name string) error {
	if err := (realtime.Reading{Name: name}).Check(); err != nil {
		return err
	}
	return b.deleteSubscription(ctx, b.subscriptionPath(readingName(topic, name)))
}

// durable is a stream that acknowledges when it is told to.
type durable struct{ *stream }

// From is where the reading goes back to.
func (d *durable) From() time.Time { return d.reading.from }

// Ack acknowledges in requests of a bounded size, some at once.
func (d *durable) Ack(ctx context.Context) error {
	err := d.each(ctx, d.reading.taken(), func(ctx context.Context, subs *vkit.SubscriptionAdminClient, acks []string) error {
		return subs.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: d.name, AckIds: acks})
	})
	return brokerError("acknowledge of topic "+string(d.topic), err)
}

// acksAtOnce is how many requests are under way.
const acksAtOnce = 4

func (d *durable) each(ctx context.Context, acks []string, call func(context.Context, *vkit.SubscriptionAdminClient, []string) error) error {
	requests := ackRequests(acks)
	failed := make(chan error, len(requests))
	slots := make(chan struct{}, acksAtOnce)
	var all sync.WaitGroup
	for _, r := range requests {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			failed <- d.broker.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) error {
				return call(ctx, subs, r.GetAckIds())
			})
		})
	}
	all.Wait()
	close(failed)
	var err error
	for one := range failed {
		err = errors.Join(err, one)
	}
	return err
}

// leaveTime is how long the server may take to end a pull that has left.
const leaveTime = 2 * time.Second

// Close ends the pull, and gives back what was not acknowledged.
func (d *durable) Close(ctx context.Context) error {
	d.closing.Do(func() {
		close(d.reading.leaving)
		d.drain(ctx)
		d.broker.mu.Lock()
		delete(d.broker.streams, d.stream)
		d.broker.mu.Unlock()
		err := d.each(ctx, d.reading.taken(), func(ctx context.Context, subs *vkit.SubscriptionAdminClient, acks []string) error {
			return subs.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: d.name, AckIds: acks})
		})
		d.closed = brokerError("give back messages of topic "+string(d.topic), err)
	})
	return d.closed
}

// drain takes what still comes until the pull has ended.
func (d *durable) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	for {
		select {
		case b := <-d.came:
			d.reading.took(b.acks)
			continue
		case <-d.ended:
		case <-ctx.Done():
		}
		d.cancel()
		d.pulling.Wait()
		for {
			select {
			case b := <-d.came:
				d.reading.took(b.acks)
			default:
				return
			}
		}
	}
}

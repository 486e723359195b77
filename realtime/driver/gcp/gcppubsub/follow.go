package gcppubsub

import (
	"context"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tidewire/tidewire/realtime"
)

// The settings of a subscription; each is the smallest that Pub/Sub takes.
const (
	ackDeadline              = 10 * time.Second
	subscriptionRetention    = 10 * time.Minute
	subscriptionExpiration   = 24 * time.Hour
	deleteAfterFailedOpening = 2 * time.Second
)

// Follow makes a subscription of its own and moves it back to f.Since. What the topic
// does not keep any more does not come, and CompleteSince says so.
func (b *Broker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	if err := checkInstance(f.Instance); err != nil {
		return nil, err
	}
	if err := b.budget.admit(ctx); err != nil {
		return nil, err
	}
	name := b.subscriptionPath(subscriptionName(topic, f))
	kept, err := b.subscribe(ctx, name, topic, labels(f.Instance, time.Now()), filterOf(f.Channel))
	if err != nil {
		b.budget.freed()
		return nil, err
	}
	s := &stream{broker: b, topic: topic, name: name, complete: complete(f.Since, kept, time.Now(), b.o.RetryMargin)}
	err = b.replay(ctx, s, f.Since)
	if err == nil {
		err = b.open(s)
	}
	if err != nil {
		abandon(ctx, b, name)
		b.budget.freed()
		return nil, err
	}
	return s, nil
}

// subscribe makes a subscription and returns how long its topic keeps messages.
func (b *Broker) subscribe(ctx context.Context, name string, topic realtime.Topic, labels map[string]string, filter string) (kept time.Duration, err error) {
	var made *pubsubpb.Subscription
	err = b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) (err error) {
		made, err = subs.CreateSubscription(ctx, &pubsubpb.Subscription{
			Name: name, Topic: b.topicPath(topic), Labels: labels, Filter: filter,
			AckDeadlineSeconds:       int32(ackDeadline / time.Second),
			EnableMessageOrdering:    true,
			MessageRetentionDuration: durationpb.New(subscriptionRetention),
			ExpirationPolicy:         &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(subscriptionExpiration)},
		})
		if status.Code(err) == codes.AlreadyExists { // by an attempt whose answer was lost
			made, err = subs.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: name})
		}
		return err
	})
	if err != nil {
		return 0, brokerError("follow topic "+string(topic), err)
	}
	kept, err = keptBy(ctx, b, topic, made)
	return kept, brokerError("read topic "+string(topic), err)
}

// filterOf selects a channel, and what was published before messages said which they are of. Of what it does not select nothing is
// delivered (https://cloud.google.com/pubsub/docs/subscription-message-filter).
func filterOf(c realtime.Channel) string {
	if c.IsZero() {
		return ""
	}
	return `attributes."` + attrChannel + `" = "` + channelSum(c) + `" OR (NOT attributes:"` + attrChannel + `" AND NOT attributes:"` + attrKind + `")`
}

// keptBy is how long the topic of a subscription keeps messages.
func keptBy(ctx context.Context, b *Broker, topic realtime.Topic, s *pubsubpb.Subscription) (time.Duration, error) {
	if kept := s.GetTopicMessageRetentionDuration().AsDuration(); kept > 0 {
		return kept, nil
	}
	// The service says it with the subscription; the emulator with the topic alone.
	ctx, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	t, err := b.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: b.topicPath(topic)})
	return t.GetMessageRetentionDuration().AsDuration(), err
}

// complete is the claim of a stream: from the start of the replay, as far as the topic
// keeps it, and the margin for retries.
func complete(since time.Time, kept time.Duration, now time.Time, margin time.Duration) time.Time {
	if oldest := now.Add(-kept); since.Before(oldest) {
		since = oldest
	}
	if since.After(now) {
		since = now
	}
	return since.Add(margin)
}

// replay asks for what was published since a moment, before anything is pulled.
func (b *Broker) replay(ctx context.Context, s *stream, since time.Time) error {
	err := b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) error {
		return seek(ctx, subs, s.name, since)
	})
	if b.emulator && status.Code(err) == codes.Unimplemented {
		return nil // its new subscriptions get the topic's whole history unasked; see package pubsubemulator
	}
	return brokerError("replay topic "+string(s.topic), err)
}

// seek marks everything that was published since a moment as not delivered
// (https://cloud.google.com/pubsub/docs/replay-overview). It takes effect eventually.
func seek(ctx context.Context, subs *vkit.SubscriptionAdminClient, subscription string, since time.Time) error {
	_, err := subs.Seek(ctx, &pubsubpb.SeekRequest{
		Subscription: subscription, Target: &pubsubpb.SeekRequest_Time{Time: timestamppb.New(since)},
	})
	return err
}

// abandon deletes a subscription that could not be used.
func abandon(ctx context.Context, b *Broker, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteAfterFailedOpening)
	defer cancel()
	if err := b.left.let(ctx, name); err != nil {
		b.o.Logger.WarnContext(ctx, "a subscription was left behind", realtime.KeyTopic, name, realtime.KeyError, err)
	}
}

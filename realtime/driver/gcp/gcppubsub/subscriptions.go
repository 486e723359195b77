package gcppubsub

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.SubscriptionStore = (*Broker)(nil)

// Subscriptions yields the project's subscriptions that Brokers made, with an error at most as the last.
func (b *Broker) Subscriptions(ctx context.Context) iter.Seq2[realtime.Subscription, error] {
	return func(yield func(realtime.Subscription, error) bool) {
		for s, err := range b.allSubscriptions(ctx) {
			if err != nil {
				yield(realtime.Subscription{}, err)
				return
			}
			if s.GetLabels()[labelInstance] == "" {
				continue // somebody else's
			}
			_, name, _ := strings.Cut(s.GetName(), "/subscriptions/")
			_, topic, _ := strings.Cut(s.GetTopic(), "/topics/") // empty if it was deleted
			if !yield(realtime.Subscription{Name: name, Topic: realtime.Topic(topic), Instance: s.GetLabels()[labelInstance], Created: createdOf(s)}, nil) {
				return
			}
		}
	}
}

func (b *Broker) allSubscriptions(ctx context.Context) iter.Seq2[*pubsubpb.Subscription, error] {
	return func(yield func(*pubsubpb.Subscription, error) bool) {
		all := b.client.SubscriptionAdminClient.ListSubscriptions(ctx, &pubsubpb.ListSubscriptionsRequest{Project: b.projectPath(), PageSize: 1000})
		for {
			s, err := all.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if !yield(s, brokerError("list subscriptions", err)) || err != nil {
				return
			}
		}
	}
}

// DeleteSubscription deletes one by its Name. That it is not there is no error.
func (b *Broker) DeleteSubscription(ctx context.Context, name string) error {
	return b.deleteSubscription(ctx, b.subscriptionPath(name))
}

func (b *Broker) deleteSubscription(ctx context.Context, path string) error {
	err := b.admin(ctx, func(ctx context.Context, subs *vkit.SubscriptionAdminClient) error {
		return subs.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: path})
	})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return brokerError("delete a subscription", err)
}

// countSubscriptions counts all of the project, whoever made them: the wall is for all.
func (b *Broker) countSubscriptions(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	for _, err := range b.allSubscriptions(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// budget refuses subscriptions before the project's wall. It counts them anew now and then, while
// they are made, and adds its own in between.
type budget struct {
	limit   int
	count   func(context.Context) (int, error)
	metrics realtime.Metrics

	mu      sync.Mutex // guards what follows; held while counting, so that one counts for all
	used    int
	counted time.Time
}

// recount is how long a count is believed.
const recount = time.Minute

// admit takes a place for a subscription, or says that there is none.
func (b *budget) admit(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.counted) >= recount {
		n, err := b.count(ctx)
		if err != nil {
			return err
		}
		b.used, b.counted = n, now
	}
	if b.used >= b.limit {
		return &realtime.Error{
			Code: realtime.CodeLimited, Limit: "subscriptions", RetryAfter: recount,
			Message: fmt.Sprintf("subscriptions: the project has %d, and its budget is %d; pool small tenants, or raise it", b.used, b.limit),
		}
	}
	b.used++
	b.metrics.Level(realtime.GaugeSubscriptions, "", b.used)
	return nil
}

// freed gives a place back.
func (b *budget) freed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = max(b.used-1, 0)
	b.metrics.Level(realtime.GaugeSubscriptions, "", b.used)
}

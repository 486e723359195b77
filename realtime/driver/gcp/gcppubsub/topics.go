package gcppubsub

import (
	"context"
	"slices"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/tidewire/tidewire/realtime"
)

// adminTime bounds one administrative call with the client's own retries of it, whatever the caller's time is; adminTry is the
// share of the first attempt, which may have been given a dead connection.
const (
	adminTime = 10 * time.Second
	adminTry  = adminTime / 2
)

// admin makes a call about subscriptions, and once more over another connection if there is no answer. It has to be one that may be repeated.
func (b *Broker) admin(ctx context.Context, call func(context.Context, *vkit.SubscriptionAdminClient) error) error {
	try := func() error {
		ctx, cancel := context.WithTimeout(ctx, adminTry)
		defer cancel()
		return b.lines.call(ctx, func(subs *vkit.SubscriptionAdminClient) error { return call(ctx, subs) })
	}
	err := try()
	if status.Code(err) == codes.DeadlineExceeded && ctx.Err() == nil {
		err = try()
	}
	return err
}

// EnsureTopic makes a topic that keeps its messages for the replay, in the broker's region, or sets that of one
// which exists. It is safe to repeat.
func (b *Broker) EnsureTopic(ctx context.Context, topic realtime.Topic) error {
	ctx, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	want := &pubsubpb.Topic{
		Name: b.topicPath(topic), Labels: map[string]string{labelKind: "topic"},
		MessageRetentionDuration: durationpb.New(b.o.Retention), MessageStoragePolicy: storage(b.region),
	}
	_, err := b.client.TopicAdminClient.CreateTopic(ctx, want)
	if status.Code(err) != codes.AlreadyExists {
		return brokerError("make topic "+string(topic), err)
	}
	have, err := b.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: want.Name})
	if err != nil {
		return brokerError("read topic "+string(topic), err)
	}
	update := topicUpdate(have, want)
	if len(update.GetUpdateMask().GetPaths()) == 0 {
		return nil
	}
	_, err = b.client.TopicAdminClient.UpdateTopic(ctx, update)
	return brokerError("set the retention and region of topic "+string(topic), err)
}

// storage keeps messages in one region: order holds for what is published in one.
func storage(region string) *pubsubpb.MessageStoragePolicy {
	if region == "" {
		return nil
	}
	return &pubsubpb.MessageStoragePolicy{AllowedPersistenceRegions: []string{region}}
}

// topicUpdate sets what a topic lacks, and nothing else. One that keeps its messages longer is left so.
func topicUpdate(have, want *pubsubpb.Topic) *pubsubpb.UpdateTopicRequest {
	var paths []string
	if have.GetMessageRetentionDuration().AsDuration() < want.GetMessageRetentionDuration().AsDuration() {
		paths = append(paths, "message_retention_duration")
	}
	regions := want.GetMessageStoragePolicy().GetAllowedPersistenceRegions()
	if len(regions) > 0 && !slices.Equal(have.GetMessageStoragePolicy().GetAllowedPersistenceRegions(), regions) {
		paths = append(paths, "message_storage_policy")
	}
	return &pubsubpb.UpdateTopicRequest{Topic: want, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}}
}

// DeleteTopic removes a topic. That it is not there is no error.
func (b *Broker) DeleteTopic(ctx context.Context, topic realtime.Topic) error {
	ctx, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	err := b.client.TopicAdminClient.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: b.topicPath(topic)})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return brokerError("delete topic "+string(topic), err)
}

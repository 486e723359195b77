package terraform

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// TestEnsured makes the topics that Terraform plans on the emulator, as Terraform would, and has the driver ensure
// each of them as the api does when it is told of a tenant: nothing changes, and where the driver makes one it is the same.
func TestEnsured(t *testing.T) {
	t.Parallel()
	plan := ours().plan()
	need(t, ours().fault())
	addr := servers.PubSub(t)
	planned, made := emulators.Project(t), emulators.Project(t)
	client, err := pubsub.NewClient(t.Context(), planned, option.WithEndpoint(addr), option.WithoutAuthentication(), option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	admin := client.TopicAdminClient
	for _, name := range sortedKeys(plan.Topics) {
		topic := plan.Topics[name]
		if _, err := admin.CreateTopic(t.Context(), &pubsubpb.Topic{
			Name: "projects/" + planned + "/topics/" + name, Labels: topic.Labels,
			MessageRetentionDuration: durationpb.New(time.Duration(topic.RetentionSeconds) * time.Second),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, project := range []string{planned, made} {
		broker := open(t, project, addr)
		for _, name := range sortedKeys(plan.Topics) {
			for range 2 { // it may be asked again
				if err := broker.EnsureTopic(t.Context(), realtime.Topic(name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, name := range sortedKeys(plan.Topics) {
		var both []*pubsubpb.Topic
		for _, project := range []string{planned, made} {
			topic, err := admin.GetTopic(t.Context(), &pubsubpb.GetTopicRequest{Topic: "projects/" + project + "/topics/" + name})
			if err != nil {
				t.Fatal(err)
			}
			topic.Name = name
			both = append(both, topic)
		}
		if diff := cmp.Diff(both[1], both[0], protocmp.Transform()); diff != "" {
			t.Errorf("%s (-driver +Terraform):\n%s", name, diff)
		}
	}
	if len(plan.Topics) != 3 {
		t.Errorf("%d topics, and not those of a tenant of its own and of two shards", len(plan.Topics))
	}
}

// open opens the driver's broker as a service does.
func open(t *testing.T, project, addr string) *gcppubsub.Broker {
	t.Helper()
	broker, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: project, PubSubEmulator: addr}, gcppubsub.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return broker
}

package gcppubsub_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/realtimetest/storetest"
)

func TestLostConnections(t *testing.T) {
	t.Parallel()
	storetest.TestLostConnections(t, storetest.Harness{Patience: patience, Lost: func(t *testing.T) storetest.Lost {
		project := emulators.Project(t)
		hook := openHook(t, project)
		lost, err := gcppubsub.OpenLost(t.Context(), gcp.Connection{Project: project, PubSubEmulator: servers.PubSub(t)}, "lost")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := lost.Close(); err != nil {
				t.Error(err)
			}
		})
		return storetest.Lost{Connections: lost, Taken: hook.taken}
	}})
}

// hook is a subscription of the topic lost.
type hook struct {
	client *pubsub.Client
	path   string
}

func openHook(t *testing.T, project string) *hook {
	t.Helper()
	client, err := pubsub.NewClient(t.Context(), project, option.WithEndpoint(servers.PubSub(t)), option.WithoutAuthentication(),
		option.WithTelemetryDisabled(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	topic := "projects/" + project + "/topics/lost"
	if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	h := &hook{client, "projects/" + project + "/subscriptions/hook"}
	if _, err := client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: h.path, Topic: topic}); err != nil {
		t.Fatal(err)
	}
	return h
}

// taken pulls what has come.
func (h *hook) taken(t *testing.T) (docs []realtime.ConnectionDoc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	answer, err := h.client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: h.path, MaxMessages: 1000})
	if err != nil {
		return nil // nothing came in time
	}
	for _, m := range answer.GetReceivedMessages() {
		var doc struct {
			Tenant string
			realtime.ConnectionDoc
		}
		if err := json.Unmarshal(m.GetMessage().GetData(), &doc); err != nil {
			t.Fatal(err)
		}
		doc.ConnectionDoc.Tenant = doc.Tenant
		docs = append(docs, doc.ConnectionDoc)
	}
	return docs
}

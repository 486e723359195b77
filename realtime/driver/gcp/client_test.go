package gcp

import (
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
)

// TestPubSubAddress: who publishes, administers and pulls speaks to the region.
func TestPubSubAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		c    Connection
		want string
	}{
		{"without a region", Connection{Project: "p"}, "pubsub.googleapis.com:443"},
		{"region", Connection{Project: "p", Region: "europe-west1"}, "europe-west1-pubsub.googleapis.com:443"},
		{"emulator", Connection{Project: "p", Region: "europe-west1", PubSubEmulator: "127.0.0.1:1"}, "127.0.0.1:1"},
	} {
		for use, options := range map[string][]option.ClientOption{"calls": tt.c.PubSub(), "pulls": tt.c.PubSubStreams()} {
			t.Run(tt.name+"/"+use, func(t *testing.T) {
				t.Parallel()
				options := append(options, option.WithoutAuthentication())
				topics, err := vkit.NewTopicAdminClient(t.Context(), options...)
				if err != nil {
					t.Fatal(err)
				}
				defer topics.Close()
				subscriptions, err := vkit.NewSubscriptionAdminClient(t.Context(), append(options, option.WithGRPCConnectionPool(1))...)
				if err != nil {
					t.Fatal(err)
				}
				defer subscriptions.Close()
				// One connection each, so Connection tells where all calls go.
				for who, target := range map[string]string{ //nolint:staticcheck // see above
					"publisher": topics.Connection().Target(), "subscriber": subscriptions.Connection().Target(), //nolint:staticcheck // see above
				} {
					if _, got, found := strings.Cut(target, ":///"); found && got != tt.want || !found && target != tt.want {
						t.Errorf("the %s speaks to %s, want %s", who, target, tt.want)
					}
				}
			})
		}
	}
}

// TestMethods: what is written out here is what the clients call.
func TestMethods(t *testing.T) {
	t.Parallel()
	for here, there := range map[string]string{
		methodStreamingPull: pubsubpb.Subscriber_StreamingPull_FullMethodName,
		methodPublish:       pubsubpb.Publisher_Publish_FullMethodName,
		methodRunQuery:      firestorepb.Firestore_RunQuery_FullMethodName,
	} {
		if here != there {
			t.Errorf("got %s, want %s", here, there)
		}
	}
}

package gcppubsub

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestAckRequests: no request has more than a thousand acknowledgements, or more than 512 KiB.
func TestAckRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		n     int
		bytes int // of each
		want  int // requests
	}{
		{"none", 0, 180, 0}, {"one", 1, 180, 1}, {"a thousand", 1000, 180, 1}, {"one more", 1001, 180, 2}, {"many", 2500, 180, 3},
		{"long ones", 1000, 1200, 3}, {"each too long", 3, 600 << 10, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ids := make([]string, tt.n)
			for i := range ids {
				ids[i] = fmt.Sprintf("%d-%s", i, strings.Repeat("a", tt.bytes))
			}
			requests := ackRequests(ids)
			var sent []string
			for _, r := range requests {
				if n := len(r.GetAckIds()); n > 1000 || n > 1 && proto.Size(r) > 512<<10 {
					t.Errorf("a request has %d acknowledgements in %d bytes", n, proto.Size(r))
				}
				sent = append(sent, r.GetAckIds()...)
			}
			if len(requests) != tt.want || !slices.Equal(sent, ids) {
				t.Errorf("%d requests with %d of %d, want %d requests", len(requests), len(sent), len(ids), tt.want)
			}
		})
	}
}

// TestTopicUpdate: a topic that is there is given what it lacks.
func TestTopicUpdate(t *testing.T) {
	t.Parallel()
	topic := func(kept time.Duration, regions ...string) *pubsubpb.Topic {
		made := &pubsubpb.Topic{MessageRetentionDuration: durationpb.New(kept)}
		if regions != nil {
			made.MessageStoragePolicy = &pubsubpb.MessageStoragePolicy{AllowedPersistenceRegions: regions}
		}
		return made
	}
	const minutes = 10 * time.Minute
	for _, tt := range []struct {
		name       string
		have, want *pubsubpb.Topic
		paths      []string
	}{
		{"as it should be", topic(minutes, "europe-west1"), topic(minutes, "europe-west1"), nil},
		{"keeps longer", topic(time.Hour), topic(minutes), nil},
		{"keeps nothing", topic(0), topic(minutes), []string{"message_retention_duration"}},
		{"anywhere", topic(minutes), topic(minutes, "europe-west1"), []string{"message_storage_policy"}},
		{"elsewhere too", topic(minutes, "europe-west1", "us-east1"), topic(minutes, "europe-west1"), []string{"message_storage_policy"}},
		{"no region is asked for", topic(minutes, "us-east1"), topic(minutes), nil},
	} {
		if diff := cmp.Diff(tt.paths, topicUpdate(tt.have, tt.want).GetUpdateMask().GetPaths()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", tt.name, diff)
		}
	}
}

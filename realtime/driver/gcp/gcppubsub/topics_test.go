package gcppubsub_test

import (
	"context"
	"testing"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// A topic is made once and asked for often: by every document of its tenant, and by other instances with another
// idea of the region.
func TestEnsureTopicAgain(t *testing.T) {
	t.Parallel()
	project := emulators.Project(t)
	for _, region := range []string{"", "europe-west1", "europe-west1", "us-east1", ""} {
		b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: project, Region: region, PubSubEmulator: servers.PubSub(t)}, gcppubsub.BrokerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		for range 2 {
			if err := b.EnsureTopic(t.Context(), "tw-acme"); err != nil {
				t.Errorf("in region %q: %v", region, err)
			}
		}
	}
}

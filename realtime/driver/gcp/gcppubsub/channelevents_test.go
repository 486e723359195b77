package gcppubsub_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// TestChannelEvents: each is a CloudEvent, and the same one whoever tells of it.
func TestChannelEvents(t *testing.T) {
	t.Parallel()
	project := emulators.Project(t)
	h := openHook(t, project)
	events, err := gcppubsub.OpenChannelEvents(t.Context(), gcp.Connection{Project: project, PubSubEmulator: servers.PubSub(t)}, "lost")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := realtime.NewChannel("acme", "board:7")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := realtime.ChannelEvent{Channel: c, Occupied: true, Generation: 3, Time: at, Epoch: "E"}
	out := in
	out.Occupied = false
	for range 2 {
		if err := events.Tell(t.Context(), []realtime.ChannelEvent{in, out}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-type": "tidewire.channel.occupied", "ce-source": "/tenants/acme", "ce-id": "E-5",
		"ce-subject": "tenants/acme/channels/board:7", "ce-time": "2026-11-30T12:00:00Z", "ce-tenant": "acme",
	}
	seen := 0
	for late := time.Now().Add(patience); seen < 4 && time.Now().Before(late); {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		answer, err := h.client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: h.path, MaxMessages: 10})
		cancel()
		if err != nil {
			continue // nothing came in time
		}
		for _, m := range answer.GetReceivedMessages() {
			seen++
			is := map[string]string{}
			for k, v := range want {
				is[k] = v
			}
			if strings.HasSuffix(m.GetMessage().GetAttributes()["ce-type"], "vacated") {
				is["ce-type"], is["ce-id"] = "tidewire.channel.vacated", "E-6"
			}
			if diff := cmp.Diff(is, m.GetMessage().GetAttributes()); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if data := string(m.GetMessage().GetData()); data != `{"tenant":"acme","channel":"board:7","generation":3}` {
				t.Errorf("data %s", data)
			}
			if key := m.GetMessage().GetOrderingKey(); key != is["ce-subject"] {
				t.Errorf("ordering key %q", key)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d of 4 have come", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := events.Tell(ctx, []realtime.ChannelEvent{in}); err == nil {
		t.Error("Tell with a cancelled context returned no error")
	}
	if err := events.Tell(t.Context(), []realtime.ChannelEvent{in}); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

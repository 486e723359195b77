package gcppubsub_test

import (
	"context"
	"errors"
	"testing"
	"time"

	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// What a reader had under way that died comes to the next one, after a while.
func TestReaderDies(t *testing.T) {
	t.Parallel()
	project := emulators.Project(t)
	b := openBroker(t, project, gcppubsub.BrokerOptions{Redelivery: 10 * time.Second})
	defer b.Close(context.Background())
	topic := newTopic(t, b)
	s, err := b.Read(t.Context(), topic, realtime.Reading{Name: "keeper"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		if err := send(t, b, topic, publication(t, "a", id)); err != nil {
			t.Fatal(err)
		}
	}
	dies(t, project, "projects/"+project+"/subscriptions/tw-keeper-"+string(topic))
	if s, err = b.Read(t.Context(), topic, realtime.Reading{Name: "keeper"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	for got := map[string]bool{}; len(got) < 2; {
		batch, err := s.Receive(ctx)
		if errors.Is(err, realtime.ErrBroken) {
			continue // it goes on by itself: the emulator of a busy machine is silent for long
		}
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		for _, m := range batch {
			got[m.ID] = true
		}
	}
	if err := s.Ack(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for sub, err := range b.Subscriptions(t.Context()) {
		t.Errorf("the janitor takes a reading for what an instance has left: %+v, %v", sub, err)
	}
}

// dies pulls as a reader does, until something has come.
func dies(t *testing.T, project, subscription string) {
	t.Helper()
	c := gcp.Connection{Project: project, PubSubEmulator: servers.PubSub(t)}
	subs, err := vkit.NewSubscriptionAdminClient(t.Context(), c.PubSubStreams()...)
	if err != nil {
		t.Fatal(err)
	}
	defer subs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	call, err := subs.StreamingPull(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Send(&pubsubpb.StreamingPullRequest{Subscription: subscription, StreamAckDeadlineSeconds: 10}); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := call.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if len(r.GetReceivedMessages()) > 0 {
			return
		}
	}
}

package gcppubsub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

func follow(t *testing.T, b *gcppubsub.Broker, since time.Time) realtime.Stream {
	t.Helper()
	s, err := b.Follow(t.Context(), "tw-acme", realtime.Following{Instance: "i1", Generation: 3, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the emulator does not have or does not enforce: the settings, and the seek before the first pull.
func TestFollowAsksFor(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	since := time.Now().Add(-5 * time.Minute)
	s := follow(t, b, since)
	if got, want := s.CompleteSince(), since.Add(time.Minute); !got.Equal(want) {
		t.Errorf("complete since %v, want the start of the replay and a minute, %v", got, want)
	}
	f.mu.Lock()
	sub := f.subscriptions["projects/p/subscriptions/tw-acme-i1-3"]
	seeks := f.seeks
	f.mu.Unlock()
	if sub == nil {
		t.Fatalf("subscriptions are %v", f.subscriptions)
	}
	if !sub.GetEnableMessageOrdering() || sub.GetAckDeadlineSeconds() != 10 || sub.GetMessageRetentionDuration().AsDuration() != 10*time.Minute ||
		sub.GetExpirationPolicy().GetTtl().AsDuration() != 24*time.Hour || sub.GetTopic() != "projects/p/topics/tw-acme" || sub.GetRetainAckedMessages() {
		t.Errorf("subscription is %v", sub)
	}
	if l := sub.GetLabels(); l["tidewire"] != "follow" || l["tidewire-instance"] != "i1" || l["tidewire-created"] == "" {
		t.Errorf("labels are %v", l)
	}
	if len(seeks) != 1 || !seeks[0].GetTime().AsTime().Equal(since) || seeks[0].GetSubscription() != sub.GetName() {
		t.Errorf("seeks are %v, want one to %v", seeks, since)
	}
	if calls := f.calls(); slices.Index(calls, "pull") >= 0 && slices.Index(calls, "seek") > slices.Index(calls, "pull") {
		t.Errorf("calls are %v: the seek has to come first", calls)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.subscriptions) != 0 {
		t.Errorf("left behind: %v", f.subscriptions)
	}
}

// A topic that keeps less, or nothing, makes no claim that reaches further back.
func TestCompleteSinceOfWhatATopicKeeps(t *testing.T) {
	t.Parallel()
	for _, kept := range []time.Duration{0, 2 * time.Minute} {
		f := &fakeServer{retention: kept}
		b := f.serve(t, gcppubsub.BrokerOptions{})
		before := time.Now()
		s := follow(t, b, before.Add(-5*time.Minute))
		if got, least := s.CompleteSince(), before.Add(time.Minute-kept); got.Before(least) {
			t.Errorf("a topic that keeps %v: complete since %v, want %v or later", kept, got, least)
		}
	}
}

func received(id string, n int) *pubsubpb.ReceivedMessage {
	return &pubsubpb.ReceivedMessage{AckId: "ack-" + id, Message: &pubsubpb.PubsubMessage{
		Attributes: map[string]string{"tw-id": id}, OrderingKey: "acme/a", PublishTime: timestamppb.New(time.UnixMilli(int64(1000 + n))),
	}}
}

// A pull that breaks is told of and goes on; what is no message of Tidewire is
// acknowledged and does not come.
func TestBrokenPull(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute}
	f.pull = func(n int, s pubsubpb.Subscriber_StreamingPullServer) error {
		r := received(fmt.Sprint(n), n)
		foreign := &pubsubpb.ReceivedMessage{AckId: "ack-foreign", Message: &pubsubpb.PubsubMessage{Data: []byte("hello")}}
		if err := s.Send(&pubsubpb.StreamingPullResponse{ReceivedMessages: []*pubsubpb.ReceivedMessage{r, foreign}}); err != nil {
			return err
		}
		if n < 2 {
			if _, err := s.Recv(); err != nil { // its acknowledgement
				return err
			}
			return status.Error(codes.Unavailable, "the server is going away")
		}
		return nil
	}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	s := follow(t, b, time.Now())
	var came []string
	for len(came) < 5 {
		messages, err := s.Receive(t.Context())
		if errors.Is(err, realtime.ErrBroken) {
			came = append(came, "broken")
		} else if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			came = append(came, m.ID)
		}
	}
	if diff := cmp.Diff([]string{"0", "broken", "1", "broken", "2"}, came); diff != "" {
		t.Errorf("(-want +came):\n%s", diff)
	}
}

// A subscription that is gone ends the stream, and with it a Receive that waits.
func TestPullThatCannotGoOn(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute, pull: func(int, pubsubpb.Subscriber_StreamingPullServer) error {
		return status.Error(codes.NotFound, "no such subscription")
	}}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	s := follow(t, b, time.Now())
	if _, err := s.Receive(t.Context()); realtime.CodeOf(err) != realtime.CodeNotFound || errors.Is(err, realtime.ErrBroken) {
		t.Errorf("Receive: %v, want %s", err, realtime.CodeNotFound)
	}
}

func TestFollowRefusesAnInstance(t *testing.T) {
	t.Parallel()
	b := (&fakeServer{}).serve(t, gcppubsub.BrokerOptions{})
	for _, name := range []string{"", "I1", "a.b", "i/1"} {
		_, err := b.Follow(t.Context(), "tw-acme", realtime.Following{Instance: name, Generation: 1})
		if realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("instance %q: %v", name, err)
		}
	}
}

// The budget counts what all instances have, and refuses before the wall.
func TestSubscriptionBudget(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute}
	levels := &levels{}
	f.metrics = levels
	b := f.serve(t, gcppubsub.BrokerOptions{Subscriptions: 3})
	f.mu.Lock()
	f.subscriptions["projects/p/subscriptions/of-others"] = &pubsubpb.Subscription{Name: "projects/p/subscriptions/of-others"}
	f.mu.Unlock()
	open := func(generation uint64) (realtime.Stream, error) {
		return b.Follow(t.Context(), "tw-acme", realtime.Following{Instance: "i1", Generation: generation, Since: time.Now()})
	}
	first, err := open(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = open(2); err != nil {
		t.Fatal(err)
	}
	_, err = open(3)
	var refused *realtime.Error
	if !errors.As(err, &refused) || refused.Code != realtime.CodeLimited || refused.Limit != "subscriptions" || refused.RetryAfter <= 0 {
		t.Fatalf("over the budget: %v", err)
	}
	if got := levels.last(realtime.GaugeSubscriptions); got != 3 {
		t.Errorf("the gauge shows %d, want 3", got)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err = open(4); err != nil {
		t.Errorf("a place was given back: %v", err)
	}
}

// What could not be deleted is tried again.
func TestSubscriptionLeftBehind(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute, stuck: 2, gone: make(chan struct{}, 1)}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	if err := follow(t, b, time.Now()).Close(t.Context()); err == nil {
		t.Fatal("nobody is told that the subscription was left behind")
	}
	<-f.gone
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.subscriptions) != 0 {
		t.Errorf("left behind: %v", f.subscriptions)
	}
}

// A topic that could not be followed has used up nothing.
func TestFailedFollowGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	b := openBroker(t, emulators.Project(t), gcppubsub.BrokerOptions{Subscriptions: 1})
	for generation := range uint64(3) {
		_, err := b.Follow(t.Context(), "tw-nobody", realtime.Following{Instance: "i1", Generation: generation + 1, Since: time.Now()})
		if realtime.CodeOf(err) != realtime.CodeNotFound {
			t.Errorf("attempt %d: %v", generation+1, err)
		}
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

package gcppubsub_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// fakeServer is Pub/Sub as far as a test needs it and the emulator does not show it: it writes down
// what it is asked for, and answers as a test says.
type fakeServer struct {
	pubsubpb.UnimplementedSubscriberServer
	pubsubpb.UnimplementedPublisherServer

	metrics   realtime.Metrics                                         // nil forgets
	retention time.Duration                                            // of every topic
	pull      func(int, pubsubpb.Subscriber_StreamingPullServer) error // the nth pull; 0, 1, ...
	publish   func(*pubsubpb.PublishRequest) error

	mu            sync.Mutex // guards what follows
	asked         []string
	subscriptions map[string]*pubsubpb.Subscription
	seeks         []*pubsubpb.SeekRequest
	acked         []string
	pulls         int
	opened        []*pubsubpb.StreamingPullRequest // the first request of each pull
	metadata      []metadata.MD                    // of each pull
	requests      []*pubsubpb.StreamingPullRequest // the later ones
	stuck         int                              // so many deletions fail
	gone          chan struct{}                    // gets one for each that does not; nil: nobody asks
}

// serve starts it and returns a broker on it.
func (f *fakeServer) serve(t testing.TB, o gcppubsub.BrokerOptions) *gcppubsub.Broker {
	t.Helper()
	return f.serveBehind(t, o, func(addr string) string { return addr })
}

// serveBehind does the same with something between the two: way returns its address.
func (f *fakeServer) serveBehind(t testing.TB, o gcppubsub.BrokerOptions, way func(addr string) string) *gcppubsub.Broker {
	t.Helper()
	f.subscriptions = map[string]*pubsubpb.Subscription{}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	pubsubpb.RegisterSubscriberServer(s, f)
	pubsubpb.RegisterPublisherServer(s, f)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l) // ends with Stop
	}()
	b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: "p", PubSubEmulator: way(l.Addr().String()), Metrics: f.metrics}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		s.Stop()
		<-served
	})
	return b
}

func (f *fakeServer) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, call)
}

func (f *fakeServer) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func (f *fakeServer) CreateSubscription(_ context.Context, s *pubsubpb.Subscription) (*pubsubpb.Subscription, error) {
	f.note("create")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscriptions[s.GetName()] != nil {
		return nil, status.Error(codes.AlreadyExists, "it exists")
	}
	if f.retention > 0 {
		s.TopicMessageRetentionDuration = durationpb.New(f.retention)
	}
	f.subscriptions[s.GetName()] = s
	return s, nil
}

func (f *fakeServer) GetSubscription(_ context.Context, r *pubsubpb.GetSubscriptionRequest) (*pubsubpb.Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.subscriptions[r.GetSubscription()]; s != nil {
		return s, nil
	}
	return nil, status.Error(codes.NotFound, "no such subscription")
}

func (f *fakeServer) DeleteSubscription(_ context.Context, r *pubsubpb.DeleteSubscriptionRequest) (*emptypb.Empty, error) {
	f.note("delete")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stuck > 0 {
		f.stuck--
		return nil, status.Error(codes.Internal, "not now")
	}
	delete(f.subscriptions, r.GetSubscription())
	if f.gone != nil {
		f.gone <- struct{}{}
	}
	return &emptypb.Empty{}, nil
}

func (f *fakeServer) ListSubscriptions(context.Context, *pubsubpb.ListSubscriptionsRequest) (*pubsubpb.ListSubscriptionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &pubsubpb.ListSubscriptionsResponse{}
	for _, s := range f.subscriptions {
		r.Subscriptions = append(r.Subscriptions, s)
	}
	return r, nil
}

func (f *fakeServer) Seek(_ context.Context, r *pubsubpb.SeekRequest) (*pubsubpb.SeekResponse, error) {
	f.note("seek")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seeks = append(f.seeks, r)
	return &pubsubpb.SeekResponse{}, nil
}

func (f *fakeServer) StreamingPull(s pubsubpb.Subscriber_StreamingPullServer) error {
	first, err := s.Recv()
	if err != nil {
		return err
	}
	f.note("pull")
	md, _ := metadata.FromIncomingContext(s.Context())
	f.mu.Lock()
	f.opened, f.metadata = append(f.opened, first), append(f.metadata, md)
	n := f.pulls
	f.pulls++
	f.mu.Unlock()
	if f.pull != nil {
		if err := f.pull(n, s); err != nil {
			return err
		}
	}
	for {
		r, err := s.Recv()
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.acked = append(f.acked, r.GetAckIds()...)
		f.requests = append(f.requests, r)
		f.mu.Unlock()
	}
}

func (f *fakeServer) GetTopic(_ context.Context, r *pubsubpb.GetTopicRequest) (*pubsubpb.Topic, error) {
	f.note("topic")
	return &pubsubpb.Topic{Name: r.GetTopic()}, nil
}

func (f *fakeServer) Publish(_ context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	if f.publish != nil {
		if err := f.publish(r); err != nil {
			return nil, err
		}
	}
	return &pubsubpb.PublishResponse{MessageIds: make([]string, len(r.GetMessages()))}, nil
}

package gcppubsub_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// backendErrors counts them by reason.
type backendErrors struct {
	realtime.NoMetrics

	mu sync.Mutex // guards by
	by map[string]int
}

func (e *backendErrors) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountBackendErrors {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.by[string(reason)] += n
	}
}

func (e *backendErrors) is(t *testing.T, want map[string]int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(want, e.by); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Calls that failed are counted if they say something of the service.
func TestFailedCalls(t *testing.T) {
	t.Parallel()
	errs := &backendErrors{by: map[string]int{}}
	codeOf := map[string]codes.Code{"denied": codes.PermissionDenied, "gone": codes.NotFound, "bad": codes.InvalidArgument, "dead": codes.DataLoss}
	f := &fakeServer{metrics: errs, publish: func(r *pubsubpb.PublishRequest) error {
		return status.Error(codeOf[r.GetMessages()[0].GetAttributes()["tw-id"]], "refused") // OK for others
	}}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	for id := range codeOf { // each on a channel of its own: nothing of a channel is taken until the one before it is settled
		if err := send(t, b, "tw-acme", publication(t, id, id)); err == nil {
			t.Errorf("%s was stored", id)
		}
	}
	if err := send(t, b, "tw-acme", publication(t, "a", "good")); err != nil {
		t.Error(err)
	}
	errs.is(t, map[string]int{"pubsub permission_denied": 1, "pubsub data_loss": 1, "pubsub not_found": 1})
}

// That a pull is ended as unavailable is Pub/Sub's way; what ends it for good is counted.
func TestEndedPulls(t *testing.T) {
	t.Parallel()
	errs := &backendErrors{by: map[string]int{}}
	f := &fakeServer{metrics: errs, retention: 10 * time.Minute}
	f.pull = func(n int, _ pubsubpb.Subscriber_StreamingPullServer) error {
		if n < 2 {
			return status.Error(codes.Unavailable, "the server is going away")
		}
		return status.Error(codes.PermissionDenied, "no")
	}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	s := follow(t, b, time.Now())
	broken := 0
	_, err := s.Receive(t.Context())
	for ; errors.Is(err, realtime.ErrBroken); broken++ {
		_, err = s.Receive(t.Context())
	}
	if broken != 2 || realtime.CodeOf(err) != realtime.CodeInternal {
		t.Errorf("it broke %d times and ended with %v", broken, err)
	}
	errs.is(t, map[string]int{"pubsub permission_denied": 1})
}

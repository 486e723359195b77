package gcppubsub_test

import (
	"context"
	"errors"
	"fmt"

	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
)

// TestPullAsksFor: what Google's own clients send with a pull, and go on sending.
func TestPullAsksFor(t *testing.T) {
	t.Parallel()
	pings := make(chan struct{}, 1)
	f := &fakeServer{retention: 10 * time.Minute}
	f.pull = func(n int, s pubsubpb.Subscriber_StreamingPullServer) error {
		if n == 0 {
			return status.Error(codes.Unavailable, "the server is going away")
		}
		if err := s.Send(&pubsubpb.StreamingPullResponse{}); err != nil {
			return err
		}
		r, err := s.Recv()
		if err == nil && len(r.GetAckIds()) == 0 && r.GetSubscription() == "" {
			select {
			case pings <- struct{}{}:
			default:
			}
		}
		return err
	}
	b := f.serve(t, gcppubsub.BrokerOptions{PingEvery: 100 * time.Millisecond})
	s := follow(t, b, time.Now())
	if _, err := s.Receive(t.Context()); !errors.Is(err, realtime.ErrBroken) {
		t.Fatalf("the first pull: %v", err)
	}
	select {
	case <-pings:
	case <-time.After(patience):
		t.Fatal("there is no ping")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, first := range f.opened[:2] {
		for what, ok := range map[string]bool{
			"subscription":     first.GetSubscription() == "projects/p/subscriptions/tw-acme-i1-3",
			"deadline":         first.GetStreamAckDeadlineSeconds() == 10,
			"flow control":     first.GetMaxOutstandingMessages() > 0 && first.GetMaxOutstandingBytes() > 0,
			"protocol version": first.GetProtocolVersion() == 1,
			"client id":        len(first.GetClientId()) >= 16,
			"same client id":   first.GetClientId() == f.opened[0].GetClientId(),
			"routing header":   fmt.Sprint(f.metadata[i].Get("x-goog-request-params")) == "[subscription=projects%2Fp%2Fsubscriptions%2Ftw-acme-i1-3]",
			"client header":    len(f.metadata[i].Get("x-goog-api-client")) == 1,
		} {
			if !ok {
				t.Errorf("pull %d, %s: %v with %v", i, what, first, f.metadata[i])
			}
		}
	}
}

// TestSilentServer: a server that takes pings and sends no sign of life is left for another pull.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	f := &fakeServer{retention: 10 * time.Minute}
	f.pull = func(n int, s pubsubpb.Subscriber_StreamingPullServer) error {
		if n == 0 {
			<-s.Context().Done()
			return s.Context().Err()
		}
		return s.Send(&pubsubpb.StreamingPullResponse{ReceivedMessages: []*pubsubpb.ReceivedMessage{received("1", 1)}})
	}
	b := f.serve(t, gcppubsub.BrokerOptions{PingEvery: 100 * time.Millisecond})
	s := follow(t, b, time.Now())
	if _, err := s.Receive(t.Context()); !errors.Is(err, realtime.ErrBroken) {
		t.Fatalf("the first pull: %v", err)
	}
	if messages, err := s.Receive(t.Context()); err != nil || len(messages) != 1 {
		t.Fatalf("the second pull: %v, %v", messages, err)
	}
}

// TestManyAcknowledgements: however many messages come at once, no request is larger than Pub/Sub takes.
func TestManyAcknowledgements(t *testing.T) {
	t.Parallel()
	const n = 2300
	f := &fakeServer{retention: 10 * time.Minute}
	f.pull = func(_ int, s pubsubpb.Subscriber_StreamingPullServer) error {
		r := &pubsubpb.StreamingPullResponse{}
		for i := range n {
			r.ReceivedMessages = append(r.ReceivedMessages, received(fmt.Sprint(i), i))
		}
		return s.Send(r)
	}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	s := follow(t, b, time.Now())
	if messages, err := s.Receive(t.Context()); err != nil || len(messages) != n {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		acked, requests := len(f.acked), 0
		for _, r := range f.requests {
			if len(r.GetAckIds()) > 0 {
				requests++
			}
			if len(r.GetAckIds()) > 1000 {
				t.Errorf("a request has %d acknowledgements", len(r.GetAckIds()))
			}
		}
		f.mu.Unlock()
		if acked == n {
			if requests != 3 {
				t.Errorf("%d requests, want 3", requests)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d are acknowledged", acked, n)
		}
	}
}

// relay stands between a client and a server, and can fall silent as a middlebox does that has forgotten a
// connection: what comes is read and goes nowhere, and nobody is told. Connections that are made later are carried.
type relay struct {
	to string
	l  net.Listener

	mu      sync.Mutex // guards what follows
	silence []chan struct{}
	conns   []net.Conn
	running sync.WaitGroup
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{to: to, l: l}
	r.running.Go(r.serve)
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.running.Wait()
	})
	return r
}

func (r *relay) addr() string { return r.l.Addr().String() }

func (r *relay) serve() {
	for {
		client, err := r.l.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		silent := make(chan struct{})
		r.mu.Lock()
		r.silence, r.conns = append(r.silence, silent), append(r.conns, client, server)
		r.mu.Unlock()
		r.running.Go(func() { carry(server, client, silent) })
		r.running.Go(func() { carry(client, server, silent) })
	}
}

// carry carries bytes until the connection has fallen silent, and reads on then.
func carry(to, from net.Conn, silent chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-silent:
			if err != nil {
				return
			}
			continue
		default:
		}
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// fallSilent lets every connection that there is now carry nothing any more.
func (r *relay) fallSilent() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.silence {
		close(s)
	}
	r.silence = nil
}

// TestSilentRelay: every connection of a broker goes dead without a word. Whoever follows anew is given another
// connection, and the stream that was open goes on as well.
func TestSilentRelay(t *testing.T) {
	t.Parallel()
	project := emulators.Project(t)
	way := newRelay(t, servers.PubSub(t))
	b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: project, PubSubEmulator: way.addr()}, gcppubsub.BrokerOptions{PingEvery: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	emulated := pubsubemulator.NewBroker(b, nil)
	t.Cleanup(func() { _ = emulated.Close(context.Background()) }) // what went over dead connections may be left
	direct := openBroker(t, project, gcppubsub.BrokerOptions{})
	t.Cleanup(func() {
		if err := direct.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	topic := newTopic(t, direct)
	generation := uint64(0)
	// brings follows, publishes over a connection that lives, and waits for what comes.
	brings := func() bool {
		generation++
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // Pace.Fence
		defer cancel()
		s, err := emulated.Follow(ctx, topic, realtime.Following{Instance: "i1", Generation: generation, Since: time.Now()})
		if err != nil {
			t.Logf("follow %d: %v", generation, err)
			return false
		}
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		id := fmt.Sprint(generation)
		if err := send(t, direct, topic, publication(t, "a", id)); err != nil {
			t.Fatal(err)
		}
		for {
			messages, err := s.Receive(ctx)
			if err != nil && !errors.Is(err, realtime.ErrBroken) {
				t.Logf("follow %d: %v", generation, err)
				return false
			}
			for _, m := range messages {
				if m.ID == id {
					return true
				}
			}
		}
	}
	const most = 10 // of a machine that is busy; two are enough
	for !brings() {
		if generation == most {
			t.Fatal("nothing comes before the silence")
		}
	}
	before := generation
	way.fallSilent()
	for start := time.Now(); !brings(); {
		if generation == before+most {
			t.Fatalf("%d follows in %v bring nothing", most, time.Since(start).Round(time.Second))
		}
	}
	if err := send(t, b, topic, publication(t, "a", "over b")); err != nil {
		t.Logf("the first publish: %v", err)
	}
	for start := time.Now(); ; {
		if err := send(t, b, topic, publication(t, "a", "again")); err == nil {
			break
		}
		if time.Since(start) > 3*patience {
			t.Fatal("the connection that publishes is dead for ever")
		}
	}
}

package gcppubsub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
)

// levels remembers gauges.
type levels struct {
	realtime.NoMetrics
	mu   sync.Mutex // guards seen
	seen map[realtime.Gauge]int
}

func (l *levels) Level(g realtime.Gauge, _ string, value int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[realtime.Gauge]int{}
	}
	l.seen[g] = value
}

func (l *levels) last(g realtime.Gauge) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[g]
}

func publication(t *testing.T, name, id string) *realtime.Message {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Data: []byte(`1`)}}
}

// publish waits for what became of a message.
func send(t *testing.T, b *gcppubsub.Broker, topic realtime.Topic, m *realtime.Message) error {
	t.Helper()
	done := make(chan error, 1)
	b.Publish(t.Context(), topic, m, func(err error) { done <- err })
	return <-done
}

// Once something of a key has failed the client refuses the rest; a Broker goes on.
func TestPublishRecovers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	f := &fakeServer{publish: func(r *pubsubpb.PublishRequest) error {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range r.GetMessages() {
			if m.GetAttributes()["tw-id"] == "bad" {
				return status.Error(codes.InvalidArgument, "refused")
			}
			got = append(got, m.GetAttributes()["tw-id"])
		}
		return nil
	}}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	for i := range 5 {
		err := send(t, b, "tw-acme", publication(t, "a", fmt.Sprint(i)))
		for realtime.CodeOf(err) == realtime.CodeUnavailable { // the done of the refused one has not returned yet
			err = send(t, b, "tw-acme", publication(t, "a", fmt.Sprint(i)))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := send(t, b, "tw-acme", publication(t, "a", "bad")); realtime.CodeOf(err) != realtime.CodeInternal {
			t.Fatalf("a refused message: %v", err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("stored %v", got)
	}
}

// A topic that is made later is published to then.
func TestPublishToATopicThatComesLater(t *testing.T) {
	t.Parallel()
	b := openBroker(t, emulators.Project(t), gcppubsub.BrokerOptions{})
	defer func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const topic = realtime.Topic("tw-late")
	if err := send(t, b, topic, publication(t, "a", "1")); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Fatalf("before: %v", err)
	}
	for range 2 { // it is safe to repeat
		if err := b.EnsureTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
	if err := send(t, b, topic, publication(t, "a", "2")); err != nil {
		t.Fatalf("after: %v", err)
	}
	for range 2 {
		if err := b.DeleteTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that does not answer costs the time that was said, and the code says to come back.
func TestPublishToNobody(t *testing.T) {
	t.Parallel()
	server, err := emulators.StartPubSub(t.Context())
	emulators.Check(t, err)
	b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: emulators.Project(t), PubSubEmulator: server.Addr()}, gcppubsub.BrokerOptions{PublishTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	topic := newTopic(t, b)
	server.Pause()
	err = send(t, b, topic, publication(t, "a", "1"))
	server.Resume()
	if realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("while it is paused: %v", err)
	}
	for err = send(t, b, topic, publication(t, "a", "2")); err != nil; err = send(t, b, topic, publication(t, "a", "2")) {
		if realtime.CodeOf(err) != realtime.CodeUnavailable || t.Context().Err() != nil {
			t.Fatalf("afterwards: %v", err)
		}
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	server.Stop()
}

// What waits to be stored is bounded.
func TestPendingBytes(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	f := &fakeServer{publish: func(*pubsubpb.PublishRequest) error { <-stuck; return nil }}
	b := f.serve(t, gcppubsub.BrokerOptions{PendingBytes: 10_000})
	stored := make(chan error, 100)
	refused := 0
	for i := range 20 {
		m := publication(t, "a", fmt.Sprint(i))
		m.Data = make([]byte, 1000)
		b.Publish(t.Context(), "tw-acme", m, func(err error) { stored <- err })
	}
	close(stuck)
	for range 20 {
		if err := <-stored; err != nil {
			refused++
			if realtime.CodeOf(err) != realtime.CodeUnavailable {
				t.Errorf("refused by %v", err)
			}
		}
	}
	if refused < 10 || refused == 20 {
		t.Errorf("%d of 20 were refused", refused)
	}
	if err := send(t, b, "tw-acme", publication(t, "a", "after")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// The server fails requests at random, while a publisher hands over without waiting. Whatever it had handed over behind a
// message that failed is not stored ahead of it.
func TestPublishKeepsOrderWhenRequestsFail(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	var got []int
	f := &fakeServer{publish: func(r *pubsubpb.PublishRequest) error {
		mu.Lock()
		defer mu.Unlock()
		time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		if rng.IntN(4) == 0 {
			return status.Error(codes.OutOfRange, "not stored")
		}
		for _, m := range r.GetMessages() {
			n, err := strconv.Atoi(m.GetAttributes()["tw-id"])
			if err != nil {
				return err
			}
			got = append(got, n)
		}
		return nil
	}}
	b := f.serve(t, gcppubsub.BrokerOptions{})
	const all = 3000
	for next := 0; next < all; {
		next = publishUntilAFailure(t, b, next, all)
	}
	if !slices.IsSorted(got) || len(slices.Compact(got)) != all {
		t.Errorf("stored %v", got)
	}
}

// publishUntilAFailure publishes the numbers from next on without waiting, until it hears that one has failed, and returns the
// first that was not stored. No call of done with a failure returns while another number is being handed over.
func publishUntilAFailure(t *testing.T, b *gcppubsub.Broker, next, all int) int {
	t.Helper()
	var under, failed atomic.Int64 // what is being handed over, and the first that failed
	var handing sync.Mutex         // held meanwhile
	var told sync.WaitGroup
	failed.Store(int64(all))
	done := func(i int64, err error) {
		defer told.Done()
		if err == nil {
			return
		}
		if realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("number %d: %v", i, err)
		}
		if under.Load() != i {
			handing.Lock()
			defer handing.Unlock()
		}
		for was := failed.Load(); i < was && !failed.CompareAndSwap(was, i); was = failed.Load() {
		}
	}
	handOver := func(i int64) bool {
		handing.Lock()
		defer handing.Unlock()
		if failed.Load() < int64(all) {
			return false
		}
		under.Store(i)
		defer under.Store(-1)
		told.Add(1)
		b.Publish(t.Context(), "tw-acme", publication(t, "a", strconv.FormatInt(i, 10)), func(err error) { done(i, err) })
		return true
	}
	for i := int64(next); i < int64(all) && handOver(i); i++ {
	}
	told.Wait()
	return int(failed.Load())
}

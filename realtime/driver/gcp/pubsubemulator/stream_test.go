package pubsubemulator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Around a broker that needs nothing it changes nothing that the contract says.
func TestBroker(t *testing.T) {
	t.Parallel()
	realtimetest.TestBroker(t, realtimetest.Harness{
		Broker: func(*testing.T) realtimetest.BrokerBackend {
			b := pubsubemulator.NewBroker(memory.NewBroker(memory.BrokerOptions{MessageBytes: 1000}), nil)
			return realtimetest.BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Features: realtimetest.Features{Ordered: true, SameOrder: true, Replay: true, MaxData: 1000},
		Large:    1000,
	})
}

// emulator is a broker whose streams have what a test gives them: the first one that is followed is the elder.
type emulator struct {
	realtime.Broker

	mu      sync.Mutex // guards streams
	streams []*fed
}

func (e *emulator) Follow(context.Context, realtime.Topic, realtime.Following) (realtime.Stream, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &fed{batches: make(chan any, 10)}
	e.streams = append(e.streams, s)
	return s, nil
}

func (e *emulator) Close(context.Context) error { return nil }

// fed is a stream of what a test gives it: messages or an error.
type fed struct {
	batches chan any
	slow    time.Duration // what closing takes
	mu      sync.Mutex    // guards closed
	closed  bool
}

func (f *fed) Receive(ctx context.Context) ([]realtime.Message, error) {
	select {
	case b := <-f.batches:
		if err, ok := b.(error); ok {
			return nil, err
		}
		return []realtime.Message{b.(realtime.Message)}, nil //nolint:forcetypeassert // a test gives nothing else
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fed) CompleteSince() time.Time { return time.UnixMilli(1) }

func (f *fed) Close(ctx context.Context) error {
	select {
	case <-time.After(f.slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *fed) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// message is one of a kind, published so long ago.
func message(kind realtime.Kind, id string, ago time.Duration) realtime.Message {
	return realtime.Message{Kind: kind, Origin: "i1", Publication: realtime.Publication{ID: id, Time: time.Now().Add(-ago)}}
}

// world opens a stream on an emulator, in a bubble.
func world(t *testing.T, test func(t *testing.T, s realtime.Stream, elder, twin *fed)) {
	synctest.Test(t, func(t *testing.T) {
		e := &emulator{}
		b := pubsubemulator.NewBroker(e, nil)
		s, err := b.Follow(t.Context(), "tw-acme", realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, e.streams[0], e.streams[1])
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for i, f := range e.streams {
			if !f.isClosed() {
				t.Errorf("stream %d is left open", i)
			}
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// takes returns the IDs of what has come.
func takes(t *testing.T, s realtime.Stream) (ids []string) {
	t.Helper()
	for {
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		messages, err := s.Receive(ctx)
		cancel()
		if err != nil {
			return ids
		}
		for _, m := range messages {
			ids = append(ids, m.ID)
		}
	}
}

func TestTwinBringsWhatIsMissing(t *testing.T) {
	t.Parallel()
	world(t, func(t *testing.T, s realtime.Stream, elder, twin *fed) {
		is := func(what string, want ...string) {
			t.Helper()
			if got := takes(t, s); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		elder.batches <- message(realtime.KindPublication, "1", time.Second)
		elder.batches <- message(realtime.KindFence, "fence", 0)
		is("the fence waits for the twin", "1")
		twin.batches <- message(realtime.KindPublication, "2", time.Second)
		twin.batches <- message(realtime.KindPublication, "newer", 0)
		twin.batches <- message(realtime.KindFence, "fence", 0)
		is("what is newer is the elder's to bring", "2", "fence")
		twin.batches <- message(realtime.KindBeacon, "beacon", 0)
		is("the beacon waits for the elder")
		elder.batches <- message(realtime.KindBeacon, "beacon", 0)
		is("both have it", "beacon")
		elder.batches <- message(realtime.KindFence, "held", 0)
		is("the fence waits")
		time.Sleep(6 * time.Second)
		is("the twin has gone", "held")
		if !twin.isClosed() {
			t.Error("the twin is left open")
		}
		elder.batches <- message(realtime.KindFence, "later", 0)
		is("the elder goes on alone", "later")
	})
}

// A stream that ends because its pull broke does not say that it goes on: whoever receives from it would
// ask again for ever.
func TestInterruptedStreamEnds(t *testing.T) {
	t.Parallel()
	world(t, func(t *testing.T, s realtime.Stream, elder, _ *fed) {
		elder.batches <- message(realtime.KindPublication, "1", time.Second)
		elder.batches <- fmt.Errorf("on purpose: %w", realtime.ErrBroken)
		synctest.Wait()
		if messages, err := s.Receive(t.Context()); err != nil || len(messages) != 1 {
			t.Errorf("what came before: %v, %v", messages, err)
		}
		for range 2 {
			if _, err := s.Receive(t.Context()); errors.Is(err, realtime.ErrBroken) || realtime.CodeOf(err) != realtime.CodeUnavailable {
				t.Errorf("it ends with %v", err)
			}
		}
	})
}

// A twin that ends early is no fault of the stream.
func TestInterruptedTwinLeavesTheStream(t *testing.T) {
	t.Parallel()
	world(t, func(t *testing.T, s realtime.Stream, elder, twin *fed) {
		twin.batches <- errors.New("on purpose")
		elder.batches <- message(realtime.KindFence, "fence", 0)
		if got := takes(t, s); !slices.Equal(got, []string{"fence"}) {
			t.Errorf("got %q", got)
		}
	})
}

// A stream that is closed early has its twin still: whoever closes it gives both the time that they need.
func TestClosingHasItsTime(t *testing.T) {
	t.Parallel()
	world(t, func(_ *testing.T, _ realtime.Stream, elder, twin *fed) {
		elder.slow, twin.slow = time.Minute, time.Minute
	})
}

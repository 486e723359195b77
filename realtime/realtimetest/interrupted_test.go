package realtimetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// interrupting is a broker whose streams say ErrBroken before their first batches, and lose nothing.
type interrupting struct{ realtime.Broker }

func (i interrupting) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := i.Broker.Follow(ctx, topic, f)
	return &interruptedStream{Stream: s}, err
}

type interruptedStream struct {
	realtime.Stream
	calls int // of Receive, which one goroutine calls
}

func (s *interruptedStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	if s.calls++; (s.calls == 1 || s.calls == 3) && ctx.Err() == nil {
		return nil, fmt.Errorf("on purpose: %w", realtime.ErrBroken)
	}
	return s.Stream.Receive(ctx)
}

// A stream that was interrupted goes on, so no case of the suite may take that for its end.
func TestSuiteBearsInterruptions(t *testing.T) {
	t.Parallel()
	TestBroker(t, Harness{
		Broker: func(*testing.T) BrokerBackend {
			b := interrupting{memory.NewBroker(memory.BrokerOptions{MessageBytes: 1000})}
			return BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Features: Features{Ordered: true, SameOrder: true, Replay: true, MaxData: 1000},
		Large:    2000,
	})
}

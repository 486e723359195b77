package eventstream

import (
	"runtime"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/sse"
)

// A burst that is much larger than the queue, on one processor, leaves the writer its turns: its client reads, and is not too slow. A writer that
// is held up costs one turn.
func TestWriterHasItsTurns(t *testing.T) { //nolint:paralleltest // it takes all processors but one
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const burst = 5000
	s := (&Server{Queue: outbox.Limits{Messages: 64, Bytes: 128 << 10}}).newStream(sse.Encoder{})
	written := 0
	var writer sync.WaitGroup
	writer.Go(func() {
		for written < burst {
			<-s.wake
			if !s.box.Begin() {
				continue
			}
			for frames := s.box.Next(nil, streamBatch); len(frames) > 0; frames = s.box.Next(nil, streamBatch) {
				written += len(frames)
			}
		}
	})
	for n := range burst {
		frame := outbox.Frame{Bytes: make([]byte, 100)}
		if _, ok := s.box.Push(&outbox.Delivery{Frame: frame, Policy: realtime.OverflowDisconnect}); !ok {
			t.Fatalf("the queue has overflown at %d", n)
		}
		s.Flush()
	}
	writer.Wait()
}

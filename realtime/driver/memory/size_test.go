package memory

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// What a topic is said to hold is what it takes of the heap, whatever its messages are made of. It is not parallel: others would be measured.
func TestBytesAreThoseOfTheHeap(t *testing.T) { //nolint:paralleltest // as said
	for name, made := range map[string]func(i int) realtime.Publication{
		"small":     func(int) realtime.Publication { return realtime.Publication{Data: []byte("1")} },
		"tags":      func(i int) realtime.Publication { return tagged(i, 3) },
		"many tags": func(i int) realtime.Publication { return tagged(i, 20) },
		"large":     func(int) realtime.Publication { return realtime.Publication{Data: []byte(strings.Repeat("x", 5000))} },
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBroker(BrokerOptions{TopicBytes: 8 << 20})
			defer b.Close(t.Context())
			before := heapBytes()
			for i := range 20_000 {
				p := made(i)
				p.ID, p.Key, p.EventType = fmt.Sprint("event-", i), fmt.Sprint("key-", i), fmt.Sprint("type-", i)
				publishMessage(t, b, &realtime.Message{Kind: realtime.KindPublication, Publication: p})
			}
			said, is := b.topics[topic1].log.bytes, int(heapBytes()-before)
			if is > said*5/4 || is < said*3/5 {
				t.Errorf("it says %d bytes, and takes %d", said, is)
			}
		})
	}
}

func tagged(i, n int) realtime.Publication {
	p := realtime.Publication{Data: []byte("1"), Tags: map[string]string{}}
	for k := range n {
		p.Tags[fmt.Sprint("tag-", k)] = fmt.Sprint("value-", i)
	}
	return p
}

func publishMessage(t *testing.T, b *Broker, m *realtime.Message) {
	t.Helper()
	b.Publish(t.Context(), topic1, m, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
}

func heapBytes() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc) //nolint:gosec // of this machine
}

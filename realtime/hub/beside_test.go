package hub_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/outbox/outboxtest"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// BenchmarkBeside publishes to a channel with one reader right behind an event of another channel of the topic, which goes to so many
// readers: ns/wait is from that publish until the one reader has its event. It has to wait until the other event is in the queues of its
// readers, which is done under the lock of the topic, but not until it has been written.
func BenchmarkBeside(b *testing.B) {
	for _, readers := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			w := newBeside(b)
			var busy, quiet atomic.Int64
			crowd := w.read("crowd:1", readers, &busy)
			one := w.read("one:1", 1, &quiet)
			for busy.Load() < int64(readers) || quiet.Load() < 1 {
				time.Sleep(time.Millisecond) // until all are answered
			}
			busy.Store(0)
			quiet.Store(0)
			b.ReportAllocs()
			b.ResetTimer()
			waited := time.Duration(0)
			for i := range b.N {
				if readers > 0 {
					w.publish(crowd)
				}
				began := time.Now()
				w.publish(one)
				for quiet.Load() <= int64(i) {
					time.Sleep(time.Microsecond)
				}
				waited += time.Since(began)
				b.StopTimer()
				for busy.Load() < int64(i+1)*int64(readers) {
					time.Sleep(10 * time.Microsecond)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(waited.Nanoseconds())/float64(b.N), "ns/wait")
		})
	}
}

// beside is a Hub on one topic.
type beside struct {
	b      *testing.B
	hub    *hub.Hub
	pub    *publish.Publisher
	tenant *realtime.Tenant
}

func newBeside(b *testing.B) *beside {
	broker := memory.NewBroker(memory.BrokerOptions{})
	w := &beside{b: b, hub: hub.New(broker, hub.Options{Instance: "bench", Payload: wire.Compact}), pub: publish.New(broker, publish.Options{}), tenant: &realtime.Tenant{ID: "acme"}}
	b.Cleanup(func() {
		if err := w.hub.Close(context.Background()); err != nil {
			b.Error(err)
		}
		if err := broker.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return w
}

// read lets as many connections read a channel; taken counts what they are given.
func (w *beside) read(name string, readers int, taken *atomic.Int64) realtime.Channel {
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		w.b.Fatal(err)
	}
	for range readers {
		box := outbox.New(wire.Encoder{}, nil)
		conn, err := w.hub.Connect(w.tenant, &realtime.Principal{
			Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour),
			Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
		}, box, outboxtest.NewTaker(box, taken))
		if err != nil {
			w.b.Fatal(err)
		}
		if err := w.hub.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: c}); err != nil {
			w.b.Fatal(err)
		}
	}
	return c
}

func (w *beside) publish(c realtime.Channel) {
	if err := w.pub.Publish(context.Background(), w.tenant, []realtime.Publication{{Channel: c, Data: []byte(`{"bid":1.08421}`)}}); err != nil {
		w.b.Fatal(err)
	}
}

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

// BenchmarkFanOut publishes one event to many readers, from Publish to their
// queues. Allocations are those of a whole publication, whatever the number of readers.
func BenchmarkFanOut(b *testing.B) {
	for _, readers := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			broker := memory.NewBroker(memory.BrokerOptions{})
			h := hub.New(broker, hub.Options{Instance: "bench", Payload: wire.Compact})
			pub := publish.New(broker, publish.Options{})
			tenant := &realtime.Tenant{ID: "acme"}
			ch, err := realtime.NewChannel("acme", "prices:fx")
			if err != nil {
				b.Fatal(err)
			}
			var delivered atomic.Int64
			for range readers {
				box := outbox.New(wire.Encoder{}, nil)
				s := outboxtest.NewTaker(box, &delivered)
				c, err := h.Connect(tenant, &realtime.Principal{
					Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour),
					Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
				}, box, s)
				if err != nil {
					b.Fatal(err)
				}
				if err := h.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: ch}); err != nil {
					b.Fatal(err)
				}
			}
			for delivered.Load() < int64(readers) {
				time.Sleep(time.Millisecond)
			}
			delivered.Store(0)
			ctx := context.Background()
			pubs := []realtime.Publication{{Channel: ch, Key: "EURUSD", Data: []byte(`{"symbol":"EURUSD","bid":1.08421,"ask":1.08425}`)}}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				pubs[0].ID = ""
				if err := pub.Publish(ctx, tenant, pubs); err != nil {
					b.Fatal(err)
				}
				for delivered.Load() < int64(i+1)*int64(readers) {
					time.Sleep(10 * time.Microsecond)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*readers), "ns/delivery")
			if err := h.Close(ctx); err != nil {
				b.Error(err)
			}
			if err := broker.Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}

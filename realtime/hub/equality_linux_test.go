package hub_test

import (
	"context"
	"fmt"
	"runtime"
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

// BenchmarkEqualities is what a publication costs, in processor time, that concerns two of 10,000 readers, each with an equality of its own: its key leaves
// the sight of the one and enters that of the other. Beside them somebody reads everything. The same with two readers tells what the others cost.
func BenchmarkEqualities(b *testing.B) {
	for _, bench := range []struct {
		name string
		req  hub.SubscribeRequest
	}{{"plain", hub.SubscribeRequest{}}, {"state", hub.SubscribeRequest{State: true}}, {"rate", hub.SubscribeRequest{Want: hub.Want{MaxRate: 1000}}}} {
		for _, readers := range []int{2, 10_000} {
			b.Run(fmt.Sprintf("%s of %d", bench.name, readers), func(b *testing.B) { equalities(b, &bench.req, readers) })
		}
	}
}

func equalities(b *testing.B, req *hub.SubscribeRequest, readers int) {
	durable := false
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{Instance: "bench", Payload: wire.Compact, Filters: byClient{}})
	pub := publish.New(broker, publish.Options{})
	tenant := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}}
	ch, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		b.Fatal(err)
	}
	subscribe := func(q hub.SubscribeRequest, taken *atomic.Int64) {
		box := outbox.New(wire.Encoder{}, nil)
		c, err := h.Connect(tenant, &realtime.Principal{
			Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
		}, box, outboxtest.NewTaker(box, taken))
		if err != nil {
			b.Fatal(err)
		}
		q.ID, q.Channel = "1", ch
		if err := h.Subscribe(c, q); err != nil {
			b.Fatal(err)
		}
	}
	var delivered, beside atomic.Int64
	for i := range readers {
		q := *req
		q.Filter = fmt.Sprint("c", i)
		subscribe(q, &delivered)
	}
	subscribe(hub.SubscribeRequest{}, &beside)
	for before := int64(-1); delivered.Load() < int64(readers) || delivered.Load() != before || beside.Load() == 0; time.Sleep(50 * time.Millisecond) {
		before = delivered.Load()
	}
	runtime.GC()
	beside.Store(0)
	began := processor(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		p := []realtime.Publication{{Channel: ch, Key: "v1", Tags: map[string]string{"client": fmt.Sprint("c", i%2)}, Data: []byte(`{"bid":1.08421}`)}}
		if err := pub.Publish(context.Background(), tenant, p); err != nil {
			b.Fatal(err)
		}
		for int64(i+1)-beside.Load() > 64 {
			runtime.Gosched()
		}
	}
	for beside.Load() < int64(b.N) {
		runtime.Gosched()
	}
	b.StopTimer()
	b.ReportMetric(float64((processor(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
	_ = h.Close(context.Background())
	_ = broker.Close(context.Background())
}

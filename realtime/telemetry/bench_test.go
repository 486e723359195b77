package telemetry_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/outbox/outboxtest"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/wire"
)

// BenchmarkCost publishes to many readers without telemetry, with metrics, and with a tracer besides that
// follows nothing, or everything. What telemetry costs is the difference, which readers share.
func BenchmarkCost(b *testing.B) {
	for _, readers := range []int{1, 100} {
		for _, with := range []string{"nothing", "metrics", "tracer", "spans"} {
			b.Run(fmt.Sprintf("%d/%s", readers, with), func(b *testing.B) { publishTo(b, readers, with) })
		}
	}
}

func publishTo(b *testing.B, readers int, with string) {
	var metrics realtime.Metrics = realtime.NoMetrics{}
	var tracer realtime.Tracer
	if with != "nothing" {
		o := telemetry.Options{Readers: []metric.Reader{metric.NewManualReader()}, ForeignPerSecond: 1e9}
		if with != "metrics" {
			o.Spans = tracetest.NewSpanRecorder()
		}
		t, err := telemetry.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		metrics, tracer = t.Metrics, t.Tracer
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{Instance: "bench", Payload: wire.Compact, Metrics: metrics, Tracer: tracer})
	pub := publish.New(broker, publish.Options{Metrics: metrics, Tracer: tracer})
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
			Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
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
	if with == "spans" {
		ctx = sampled(true)
	}
	pubs := []realtime.Publication{{Channel: ch, Key: "EURUSD", Data: []byte(`{"symbol":"EURUSD","bid":1.08421,"ask":1.08425}`)}}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		pubs[0].ID = ""
		if err := pub.Publish(ctx, tenant, pubs); err != nil {
			b.Fatal(err)
		}
		for i%64 == 0 && delivered.Load() < int64(i-64)*int64(readers) {
			time.Sleep(10 * time.Microsecond)
		}
	}
	for delivered.Load() < int64(b.N)*int64(readers) {
		time.Sleep(10 * time.Microsecond)
	}
	b.StopTimer()
	if err := h.Close(ctx); err != nil {
		b.Error(err)
	}
	if err := broker.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

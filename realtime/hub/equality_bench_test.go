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
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/outbox/outboxtest"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// oneClient is a filter that passes what is tagged with a client.
type oneClient string

func (f oneClient) ID() string { return string(f) }
func (f oneClient) Match(p *realtime.Publication, _ *view.Memo) bool {
	return p.Tags["client"] == string(f)
}

func (f oneClient) Equalities() []view.Equality {
	return []view.Equality{{Name: "tags.client", Values: []string{string(f)}}}
}

type byClient struct{}

func (byClient) Compile(source string, _ view.Viewer) (view.Filter, error) {
	return oneClient(source), nil
}

// BenchmarkEqualities is what a publication costs that concerns one of 10,000 readers, each with an equality of its own: those who read what comes are
// found by an index; those with state or a rate are each looked at.
func BenchmarkEqualities(b *testing.B) {
	const readers = 10_000
	for name, req := range map[string]hub.SubscribeRequest{"plain": {}, "state": {State: true}, "rate": {Want: hub.Want{MaxRate: 1000}}} {
		b.Run(name, func(b *testing.B) {
			durable := false
			broker := memory.NewBroker(memory.BrokerOptions{})
			h := hub.New(broker, hub.Options{Instance: "bench", Payload: wire.Compact, Filters: byClient{}})
			pub := publish.New(broker, publish.Options{})
			tenant := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}}
			ch, err := realtime.NewChannel("acme", "fleet:eu")
			if err != nil {
				b.Fatal(err)
			}
			var delivered atomic.Int64
			for i := range readers {
				box := outbox.New(wire.Encoder{}, nil)
				c, err := h.Connect(tenant, &realtime.Principal{
					Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
				}, box, outboxtest.NewTaker(box, &delivered))
				if err != nil {
					b.Fatal(err)
				}
				q := req
				q.ID, q.Channel, q.Filter = "1", ch, fmt.Sprint("c", i)
				if err := h.Subscribe(c, q); err != nil {
					b.Fatal(err)
				}
			}
			for before := int64(-1); delivered.Load() < readers || delivered.Load() != before; time.Sleep(50 * time.Millisecond) {
				before = delivered.Load()
			}
			delivered.Store(0)
			pubs := []realtime.Publication{{Channel: ch, Tags: map[string]string{"client": "c7"}, Data: []byte(`{"bid":1.08421}`)}}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				pubs[0].ID = ""
				if err := pub.Publish(context.Background(), tenant, pubs); err != nil {
					b.Fatal(err)
				}
				for delivered.Load() < int64(i+1) {
					time.Sleep(10 * time.Microsecond)
				}
			}
			b.StopTimer()
			_ = h.Close(context.Background())
			_ = broker.Close(context.Background())
		})
	}
}

package hub_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestForeignTenantOnATopic: what names a tenant that no placement puts on the topic is dropped, and takes no memory.
func TestForeignTenantOnATopic(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		place   func(*realtime.Tenant) realtime.Topic
		foreign func(realtime.Topic) string
	}{
		"own":    {realtime.OwnTopic, func(realtime.Topic) string { return "globex" }},
		"pooled": {realtime.Placed(4), notOn(realtime.Placed(4))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				acme := &realtime.Tenant{ID: "acme"}
				if name == "pooled" {
					acme.Placement = realtime.PlacementPooled
				}
				r := &rig{t: t, tenant: acme}
				drops := &drops{}
				broker := memory.NewBroker(memory.BrokerOptions{})
				h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact, Placement: tt.place, Metrics: drops})
				r.hub, r.broker, r.pub = h, broker, publish.New(broker, publish.Options{Placement: tt.place})
				a := r.connect("ann")
				r.subscribe(a, "prices", realtime.Position{}, 0)
				foreign, err := realtime.NewChannel(tt.foreign(tt.place(acme)), "prices")
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range []realtime.Message{
					{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: foreign, ID: "1", Data: []byte("1")}},
					{Kind: realtime.KindDirect, Tenant: foreign.Tenant(), To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: "2", Data: []byte("1")}},
				} {
					broker.Publish(t.Context(), tt.place(acme), &m, func(err error) {
						if err != nil {
							t.Error(err)
						}
					})
				}
				r.publish("prices", "3")
				r.expect(a, "ok", "3")
				if n := drops.of("malformed"); n != 2 {
					t.Errorf("%d were counted as dropped, want 2", n)
				}
				r.hub.Disconnect(a.conn)
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if err := broker.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// notOn returns a tenant that is not on a pooled topic.
func notOn(place func(*realtime.Tenant) realtime.Topic) func(realtime.Topic) string {
	return func(topic realtime.Topic) string {
		id := "a"
		for place(&realtime.Tenant{ID: id, Placement: realtime.PlacementPooled}) == topic {
			id += "a"
		}
		return id
	}
}

// drops counts them by reason.
type drops struct {
	realtime.NoMetrics
	mu  sync.Mutex // guards all
	all map[string]int
}

func (d *drops) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c != realtime.CountDrops {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]int{}
	}
	d.all[string(reason)] += n
}

func (d *drops) of(reason string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[reason]
}

// TestAFenceOfAnotherChannelProvesNothing: a fence that comes through another channel's order, as if somebody had copied it,
// answers no question.
func TestAFenceOfAnotherChannelProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, tenant: acmeTenant()}
		r.rebase(&diverted{Broker: memory.NewBroker(memory.BrokerOptions{}), to: r.channel("other")})
		a := r.connect("ann")
		r.subscribe(a, "prices", realtime.Position{}, 0)
		time.Sleep(5 * time.Second)
		r.expect(a)
	})
}

// diverted sends fences through another channel.
type diverted struct {
	realtime.Broker
	to realtime.Channel
}

func (d *diverted) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind == realtime.KindFence {
		other := *m
		other.Channel = d.to
		m = &other
	}
	d.Broker.Publish(ctx, topic, m, done)
}

package realtime_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestMessageCheck: the moments that a broker may not bring. The suite of brokers has the other fields.
func TestMessageCheck(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_767_225_600_000)
	prices, err := realtime.NewChannel("acme", "prices")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		at    time.Time
		field string // that is refused; empty: none is
	}{
		{"now", now, ""},
		{"the broker's clock is ahead", now.Add(time.Minute), ""},
		{"a replay", now.Add(-31 * 24 * time.Hour), ""},
		{"none", time.Time{}, "time"},
		{"1970", time.UnixMilli(0), "time"},
		{"before 1970", time.UnixMilli(-1), "time"},
		{"tomorrow", now.Add(24 * time.Hour), "time"},
		{"more than a Position holds", time.UnixMilli(1 << 48), "time"},
		{"the end of time", time.Unix(0, math.MaxInt64), "time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: prices, ID: "1", Time: tt.at}}
			err := m.Check(now)
			if (err == nil) != (tt.field == "") || err != nil && !strings.HasPrefix(err.Error(), tt.field+":") {
				t.Errorf("got %v, want a fault of %q", err, tt.field)
			}
			if err != nil {
				return
			}
			if _, err := realtime.ParsePosition(m.Position().String()); err != nil {
				t.Error(err)
			}
		})
	}
}

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
				hub := realtime.NewHub(broker, realtime.HubOptions{Instance: "i1", Payload: wire.Compact, Placement: tt.place, Metrics: drops})
				r.hub, r.broker, r.pub = hub, broker, realtime.NewPublisher(broker, realtime.PublisherOptions{Placement: tt.place})
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
				if err := hub.Close(t.Context()); err != nil {
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

func (d *drops) Add(c realtime.Counter, _, reason string, n int) {
	if c != realtime.CountDrops {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]int{}
	}
	d.all[reason] += n
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

// TestPublisherRefusesWhatNobodyCanRead: a program learns it where it publishes.
func TestPublisherRefusesWhatNobodyCanRead(t *testing.T) {
	t.Parallel()
	broker := memory.NewBroker(memory.BrokerOptions{})
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p := realtime.NewPublisher(broker, realtime.PublisherOptions{})
	acme := &realtime.Tenant{ID: "acme"}
	prices, err := realtime.NewChannel("acme", "prices")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		data string
		code realtime.Code
	}{
		{"hello", realtime.CodeBadRequest},
		{`{"a":`, realtime.CodeBadRequest},
		{`"` + strings.Repeat("x", realtime.MaxMessageBytes) + `"`, realtime.CodeTooLarge},
	} {
		err := p.Publish(t.Context(), acme, []realtime.Publication{{Channel: prices, Data: []byte(tt.data)}})
		if realtime.CodeOf(err) != tt.code {
			t.Errorf("publish %.20q: %v, want %s", tt.data, err, tt.code)
		}
		err = p.SendDirect(t.Context(), acme, realtime.Target{User: "ann"}, &realtime.Publication{Data: []byte(tt.data)})
		if realtime.CodeOf(err) != tt.code {
			t.Errorf("send %.20q: %v, want %s", tt.data, err, tt.code)
		}
	}
	if err := p.Publish(t.Context(), acme, []realtime.Publication{{Channel: prices}}); err != nil {
		t.Errorf("without data: %v", err)
	}
}

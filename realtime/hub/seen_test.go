package hub_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The levels of connections and queues are those of the moment, by tenant, and go back to 0.
func TestLevels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a, b := r.connect("ann"), r.connect("bob")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.subscribe(b, "prices:fx", realtime.Position{}, 0)
		synctest.Wait()
		b.mu.Lock()
		b.stuck = true
		b.mu.Unlock()
		expect := func(when string, connections, messages int) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := r.metrics.of(realtime.GaugeConnections, "acme"); got != connections {
				t.Errorf("%s: %d connections, want %d", when, got, connections)
			}
			got, bytes := r.metrics.of(realtime.GaugeQueueMessages, "acme"), r.metrics.of(realtime.GaugeQueueBytes, "acme")
			if got != messages || (bytes > 0) != (messages > 0) {
				t.Errorf("%s: %d messages of %d bytes wait, want %d", when, got, bytes, messages)
			}
		}
		expect("at first", 2, 0)
		r.publish("prices:fx", "1", "2", "3")
		expect("when one does not read", 2, 3)
		r.hub.Disconnect(b.conn)
		expect("when he has gone", 1, 0)
		r.hub.Disconnect(a.conn)
		expect("when all have gone", 0, 0)
	})
}

// follower is a Tracer that follows everything.
type follower struct {
	mu        sync.Mutex // guards what follows
	published []error    // how each call ended
	delivered []realtime.Delivered
}

func (f *follower) Publishing(context.Context, string, []realtime.Publication) (string, func(error)) {
	return "a trace", func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.published = append(f.published, err)
	}
}

func (f *follower) Delivered(trace string, d realtime.Delivered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if trace == "a trace" {
		f.delivered = append(f.delivered, d)
	}
}

// A Tracer is told once of each publication that has readers, when it was written, also of those that a tick holds back.
func TestTracerIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"prices": {Tick: realtime.Duration(20 * time.Millisecond)}}
		broker, f := memory.NewBroker(memory.BrokerOptions{}), &follower{}
		h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact, Tracer: f})
		r := &rig{t: t, tenant: tenant, broker: broker, hub: h, pub: publish.New(broker, publish.Options{Tracer: f})}
		a, b := r.connect("ann"), r.connect("bob")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.subscribe(b, "prices:fx", realtime.Position{}, 0)
		synctest.Wait()
		b.mu.Lock()
		b.stuck = true
		b.mu.Unlock()
		r.publish("prices:fx", "1")
		r.publish("prices:fx", "2")
		r.publish("news:none", "3") // nobody reads it
		time.Sleep(time.Second)
		synctest.Wait()
		want := []realtime.Delivered{
			{Channel: r.channel("prices:fx"), ID: "1", Readers: 2, Behind: 1}, {Channel: r.channel("prices:fx"), ID: "2", Readers: 2, Behind: 1},
		}
		if diff := cmp.Diff(want, f.delivered, cmp.AllowUnexported(realtime.Channel{}), cmpopts.IgnoreTypes(time.Time{})); diff != "" {
			t.Errorf("(-want +told):\n%s", diff)
		}
		for i, held := range []time.Duration{0, 20 * time.Millisecond} {
			if i >= len(f.delivered) {
				break
			}
			if d := f.delivered[i]; d.Queued.Sub(d.Received) != held || d.Written.Before(d.Queued) || d.Received.Before(d.Published) {
				t.Errorf("%s: published %v, received %v, queued %v, written %v", d.ID, d.Published, d.Received, d.Queued, d.Written)
			}
		}
		if len(f.published) != 3 || f.published[0] != nil {
			t.Errorf("calls ended with %v", f.published)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

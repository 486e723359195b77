package hub_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A newer document counts for what is open: queues, subscriptions, and the rules of channels.
func TestUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		for n := range 5 {
			r.publish("prices:fx", strconv.Itoa(n+1))
		}
		r.expect(a, "ok", "1", "2", "3", "4", "5")

		newer := acmeTenant()
		newer.Limits = realtime.Limits{QueueMessages: 3, SubscriptionsPerConnection: 1}
		newer.Namespaces = map[string]realtime.Namespace{"prices": {Window: 2, Overflow: realtime.OverflowDropOldest}}
		r.hub.Update(newer)
		if a.conn.Tenant() != newer {
			t.Error("the connection has the older document")
		}
		err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{Channel: r.channel("news:today")})
		if realtime.CodeOf(err) != realtime.CodeLimited {
			t.Errorf("one subscription too many: %v", err)
		}
		a.stuck = true
		for n := range 5 {
			r.publish("prices:fx", strconv.Itoa(n+6))
		}
		a.stuck = false
		a.Flush()
		r.expect(a, "notice:dropped", "8", "9", "10")

		b := r.connect("bob") // its first Publication is not in the smaller record
		r.subscribe(b, "prices:fx", realtime.Position{Time: time.Now().Add(-time.Second).UnixMilli(), ID: "7"}, 0)
		r.expect(b, "gap")
	})
}

// What the old rules held back goes out when the new ones hold nothing back.
func TestUpdateReleasesATick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := acmeTenant()
		slow.Namespaces = map[string]realtime.Namespace{"prices": {Tick: realtime.Duration(time.Second)}}
		r := newRig(t, slow)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1", "2", "3")
		r.expect(a, "ok", "1")
		r.hub.Update(acmeTenant())
		r.publish("prices:fx", "4")
		r.expect(a, "2", "3", "4")
		time.Sleep(5 * time.Second)
		r.publish("prices:fx", "5")
		r.expect(a, "5")
	})
}

func TestUpdateIsTheTenantsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		before := a.conn.Tenant()
		r.hub.Update(&realtime.Tenant{ID: "globex"})
		if a.conn.Tenant() != before {
			t.Error("another tenant's document was taken")
		}
	})
}

// On a shared topic a tenant's record begins before any connection has brought its document.
func TestRulesOfALateTenantOnASharedTopic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		pool := func(*realtime.Tenant) realtime.Topic { return realtime.PooledTopic(0) }
		h := hub.New(r.broker, hub.Options{Instance: "i2", Payload: wire.Compact, Placement: pool})
		t.Cleanup(func() {
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		r.pub = publish.New(r.broker, publish.Options{Placement: pool})
		r.hub = h
		r.connect("ann")
		time.Sleep(2 * time.Minute) // the record is complete since long

		globex := &realtime.Tenant{ID: "globex", Namespaces: map[string]realtime.Namespace{"*": {Window: 1}}}
		r.tenant = globex
		r.publish("prices:fx", "1", "2", "3")
		b := r.connect("bob")
		r.publish("prices:fx", "4")
		since := realtime.Position{Time: time.Now().Add(-time.Minute).UnixMilli()}
		r.subscribe(b, "prices:fx", since, 0)
		if got := fmt.Sprint(sketch(b.take())); got != "[gap]" {
			t.Errorf("got %v: its window of one has let three go", got)
		}
	})
}

package hub_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// Of what has no key a reader of a state that keeps up is given everything, however much there was before: nothing of it is said to have been dropped.
func TestNothingIsDroppedForWhoKeepsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		durable := false
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}
		r := newRig(t, tenant)
		a, c := r.connect("ann"), r.channel("fleet:eu")
		if err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		a.take()
		const events = 1100
		for i := range events {
			if err := r.pub.Publish(context.Background(), tenant, []realtime.Publication{{Channel: c, ID: fmt.Sprint("e", i), Data: []byte("1")}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		heard := 0
		for _, f := range a.take() {
			switch {
			case f.Type == "message":
				heard++
			case f.Type != "heartbeat":
				t.Errorf("is told %s %s of %d", f.Type, f.Code, f.Count)
			}
		}
		if heard != events {
			t.Errorf("%d events were heard of %d", heard, events)
		}
	})
}

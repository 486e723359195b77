package hub_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
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

// Whom changes do not concern has had them: when they are long forgotten, it goes on where it is, with the state and at a rate.
func TestWhomNothingConcernsIsNotBehind(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]hub.SubscribeRequest{"state": {State: true}, "rate": {Want: hub.Want{MaxRate: 10}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				durable := false
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}
				r := newRig(t, tenant)
				h := hub.New(r.broker, hub.Options{Instance: "i2", Payload: wire.Compact, Filters: byClient{}})
				first := r.hub
				r.hub = h
				defer func() { r.hub = first; _ = h.Close(context.Background()) }()
				a, c := r.connect("ann"), r.channel("fleet:eu")
				req := req
				req.ID, req.Channel, req.Filter = "1", c, "c1"
				if err := h.Subscribe(a.conn, req); err != nil {
					t.Fatal(err)
				}
				publish := func(key, client string, op realtime.Op) {
					p := realtime.Publication{Channel: c, Key: key, Op: op, Tags: map[string]string{"client": client}}
					if op == realtime.OpSet {
						p.Data = []byte("1")
					}
					if err := r.pub.Publish(context.Background(), tenant, []realtime.Publication{p}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				time.Sleep(time.Second)
				publish("k0", "c1", realtime.OpSet)
				for i := range 50 {
					key := fmt.Sprint("k", 1+i%5)
					publish(key, "c2", realtime.OpSet)
					publish(key, "c2", realtime.OpDelete)
				}
				for range 30 {
					time.Sleep(time.Minute)
					synctest.Wait()
				}
				a.take()
				publish("k0", "c1", realtime.OpSet)
				publish("k0", "c3", realtime.OpSet)
				var told []string
				for _, f := range a.take() {
					if f.Type != "heartbeat" {
						told = append(told, fmt.Sprint(f.Type, " ", f.Key, " ", f.Left.Sight))
					}
				}
				want := "[message k0 false message k0 true]"
				if !req.State { // what happens, and not what becomes of a screen
					want = "[message k0 false]"
				}
				if fmt.Sprint(told) != want {
					t.Errorf("is told %v, want %s", told, want)
				}
			})
		})
	}
}

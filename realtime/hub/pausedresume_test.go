package hub_test

import (
	"testing"
	"testing/synctest"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Who comes back to a state paused is given what it has missed as soon as it goes on, and not only when something else happens.
func TestComesBackPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := false
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no}}}
		r := newRig(t, tenant)
		c := r.channel("fleet:eu")
		a := r.connect("ann")
		if err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: true}); err != nil {
			t.Fatal(err)
		}
		r.publish("fleet:eu", "1")
		at, _ := last(t, a)
		r.publish("fleet:eu", "2")
		b := r.connect("ann")
		if err := r.hub.Subscribe(b.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: true, Since: at, Want: hub.Want{Paused: true}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if f := b.take(); len(f) != 1 || f[0].Type != wire.TypeOK || !f[0].Resumed {
			t.Fatalf("%+v", f)
		}
		if _, err := b.conn.Tune(c, "", func(w hub.Want) (hub.Want, error) { w.Paused = false; return w, nil }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if f := b.take(); len(f) != 1 || f[0].Key != "k2" {
			t.Errorf("when it goes on it is told %+v", f)
		}
	})
}

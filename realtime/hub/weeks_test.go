package hub_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/wire"
)

// kept is a rig with a keeper, which runs every minute while it lives, and the values that were published.
type kept struct {
	*rig
	store  *memory.States
	keeper *keeper.Keeper
	n      int
	values map[string]string // by key: the ID of its newest value
	hubs   int
}

func newKept(t *testing.T) *kept {
	t.Helper()
	tenant := acmeTenant()
	tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}
	tenants, err := memory.NewTenants(tenant)
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{rig: newRig(t, tenant), store: memory.NewStates(), values: map[string]string{}}
	broker := k.broker.(*memory.Broker)
	k.keeper = keeper.New(keeper.Options{Broker: broker, Reader: broker, States: k.store, Tenants: tenants})
	return k
}

func (k *kept) keep() {
	k.t.Helper()
	if _, err := k.keeper.Run(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// set publishes a value of one of some keys to a channel, or deletes it.
func (k *kept) set(channel string, keys int) {
	k.t.Helper()
	k.n++
	p := realtime.Publication{Channel: k.channel(channel), ID: fmt.Sprint("e", k.n), Key: fmt.Sprint("k", k.n%keys), Data: []byte("1")}
	if k.values[p.Key] = p.ID; k.n%7 == 0 {
		p.Op, p.Data = realtime.OpDelete, nil
		delete(k.values, p.Key)
	}
	if err := k.pub.Publish(k.t.Context(), k.tenant, []realtime.Publication{p}); err != nil {
		k.t.Fatal(err)
	}
	synctest.Wait()
}

// ask asks a new instance for a state: the values, or false if it is unavailable.
func (k *kept) ask(channel string) (rows map[string]string, known bool) {
	k.t.Helper()
	k.hubs++
	h := hub.New(k.broker, hub.Options{Instance: fmt.Sprint("new", k.hubs), Payload: wire.Compact, States: k.store})
	defer func() {
		if err := h.Close(context.Background()); err != nil {
			k.t.Error(err)
		}
	}()
	k.hub = h
	p := k.connect("ann")
	if err := h.Subscribe(p.conn, hub.SubscribeRequest{ID: "1", Channel: k.channel(channel), State: true}); err != nil {
		k.t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	rows = map[string]string{}
	for _, f := range p.take() {
		if f.Type == wire.TypeError {
			if f.Code != realtime.CodeUnavailable || f.RetryAfterMs == 0 {
				k.t.Fatalf("%+v", f)
			}
			return nil, false
		}
		known = known || f.Type == wire.TypeSnapshot && !f.More
		for _, e := range f.Entries {
			at, err := realtime.ParsePosition(e.Position)
			if err != nil {
				k.t.Fatal(err)
			}
			rows[e.Key] = at.ID
		}
	}
	h.Disconnect(p.conn)
	return rows, known
}

// A channel that nobody has read for a week is on a new instance what it was.
func TestAChannelNobodyHasSeenForAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		for range 40 {
			k.set("fleet:eu", 10)
		}
		want := maps.Clone(k.values)
		for range 7 * 24 * 60 {
			k.keep()
			time.Sleep(time.Minute)
		}
		for range 3 { // something else goes on
			k.set("fleet:us", 10)
		}
		k.keep()
		time.Sleep(2 * time.Minute)
		k.keep()
		if rows, known := k.ask("fleet:eu"); !known || !maps.Equal(rows, want) {
			t.Errorf("after a week it has %v, known %t, want %v", rows, known, want)
		}
	})
}

// While the keeper is dead, whatever an instance says of a state is so: at worst it is unavailable, and that it is once a replay does not reach back to the
// last checkpoint any more. When the keeper is back, all is known again.
func TestKeeperIsDead(t *testing.T) {
	t.Parallel()
	for _, dead := range []time.Duration{4 * time.Minute, 6 * time.Minute, time.Hour} {
		t.Run(dead.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKept(t)
				var said []string
				live := func(d time.Duration, keeps bool) {
					for range int(d / (20 * time.Second)) {
						for range 5 {
							k.set("fleet:eu", 10)
						}
						if k.n%15 == 0 && keeps {
							k.keep()
						}
						if rows, known := k.ask("fleet:eu"); !known {
							said = append(said, "unavailable")
						} else if said = append(said, "known"); !maps.Equal(rows, k.values) {
							t.Errorf("it has %v, want %v", rows, k.values)
						}
						time.Sleep(18 * time.Second)
					}
				}
				live(20*time.Minute, true)
				if i := slices.Index(said, "known"); i < 0 || slices.Contains(said[i:], "unavailable") {
					t.Errorf("with a keeper it is %v", said)
				}
				said = nil
				live(dead, false)
				if last := said[len(said)-1]; dead > 5*time.Minute && last != "unavailable" {
					t.Errorf("after %s without a keeper it is %v", dead, said)
				}
				t.Logf("without a keeper for %s: %v", dead, said)
				said = nil
				live(10*time.Minute, true)
				if last := said[len(said)-1]; last != "known" {
					t.Errorf("when the keeper is back it is %v", said)
				}
			})
		})
	}
}

// Who is paused for long is then given what has changed at once: of each key its newest value.
func TestPausedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := false
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no}}}
		r := newRig(t, tenant)
		a := r.connect("ann")
		c := r.channel("fleet:eu")
		if err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := a.conn.Tune(c, "", func(w hub.Want) (hub.Want, error) { w.Paused = true; return w, nil }); err != nil {
			t.Fatal(err)
		}
		a.take()
		want := map[string]string{}
		for i := range 600 {
			key := fmt.Sprint("k", i%20)
			p := realtime.Publication{Channel: c, ID: fmt.Sprint(i), Key: key, Data: []byte("1")}
			if want[key] = p.ID; i%13 == 0 {
				p.Op, p.Data = realtime.OpDelete, nil
				want[key] = ""
			}
			if err := r.pub.Publish(t.Context(), tenant, []realtime.Publication{p}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		for _, f := range a.take() {
			if f.Type != wire.TypeHeartbeat {
				t.Errorf("while it is paused it is told %+v", f)
			}
		}
		if _, err := a.conn.Tune(c, "", func(w hub.Want) (hub.Want, error) { w.Paused = false; return w, nil }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		frames, has := 0, map[string]string{}
		for _, f := range a.take() {
			if f.Type != wire.TypeMessage {
				continue
			}
			frames++
			at, err := realtime.ParsePosition(f.Position)
			if err != nil && !f.Expired {
				t.Fatal(err)
			}
			if has[f.Key] = at.ID; f.Deleted {
				has[f.Key] = ""
			}
		}
		for key, id := range want {
			if id == "" && has[key] == "" { // what came and went while it was paused need not be told
				delete(want, key)
				delete(has, key)
			} else if i := 0; id != "" && has[key] == "" { // its time was over meanwhile
				if n, _ := fmt.Sscan(id, &i); n == 1 && 600-i > 240 {
					delete(want, key)
					delete(has, key)
				}
			}
		}
		if frames > 20 || !maps.Equal(want, has) {
			t.Errorf("by %d frames it has %v, want %v", frames, has, want)
		}
	})
}

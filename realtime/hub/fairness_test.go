package hub_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// slowly is a client to which a write takes long, though it takes everything: it stands for a server with much to do.
type slowly struct {
	box    *outbox.Outbox
	takes  time.Duration
	writes *atomic.Int64 // of all clients of its kind
	shut   *atomic.Int64
	frames atomic.Int64
	before atomic.Int64 // what others counts at the last write
	others *atomic.Int64
}

func (s *slowly) Flush() {
	if s.takes > 0 {
		time.Sleep(s.takes)
	}
	for frames := s.box.Start(nil, 1<<16); len(frames) > 0; frames = s.box.Next(nil, 1<<16) {
		s.writes.Add(1)
		s.frames.Add(int64(len(frames)))
		if s.others != nil {
			s.before.Store(s.others.Load())
		}
	}
}

func (s *slowly) Beat(time.Time) bool  { return true }
func (s *slowly) Shut(*realtime.Error) { s.shut.Add(1) }

// newQuietRig returns a rig without heartbeats.
func newQuietRig(t *testing.T, tenant *realtime.Tenant) *rig {
	t.Helper()
	r := &rig{t: t, tenant: tenant, broker: memory.NewBroker(memory.BrokerOptions{})}
	r.pub = publish.New(r.broker, publish.Options{})
	r.hub = hub.New(r.broker, hub.Options{Instance: "i1", Payload: wire.Compact, Pace: hub.Pace{Heartbeat: 100 * time.Hour}})
	t.Cleanup(func() {
		if err := r.hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := r.broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// crowd are clients of a channel, each of which is slow once it has been answered.
type crowd struct {
	clients      []*slowly
	writes, shut atomic.Int64
}

func (r *rig) crowd(tenant *realtime.Tenant, channel string, many int, takes time.Duration) *crowd {
	r.t.Helper()
	all := &crowd{}
	name, err := realtime.NewChannel(tenant.ID, channel)
	if err != nil {
		r.t.Fatal(err)
	}
	for range many {
		s := &slowly{box: outbox.New(wire.Encoder{}, nil), writes: &all.writes, shut: &all.shut}
		c, err := r.hub.Connect(tenant, &realtime.Principal{
			Tenant: tenant.ID, User: "ann", Expires: time.Now().Add(24 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
		}, s.box, s)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := r.hub.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: name}); err != nil {
			r.t.Fatal(err)
		}
		all.clients = append(all.clients, s)
	}
	synctest.Wait()
	for _, s := range all.clients {
		s.takes = takes
		s.frames.Store(0)
	}
	all.writes.Store(0)
	return all
}

func (r *rig) send(tenant *realtime.Tenant, channel string, events int) {
	r.t.Helper()
	name, err := realtime.NewChannel(tenant.ID, channel)
	if err != nil {
		r.t.Fatal(err)
	}
	pubs := make([]realtime.Publication, events)
	for i := range pubs {
		pubs[i] = realtime.Publication{Channel: name, Data: []byte(`{"n":1}`)}
	}
	if err := r.pub.Publish(context.Background(), tenant, pubs); err != nil {
		r.t.Fatal(err)
	}
}

// mostBefore is how many writes to others an event may wait for that goes to one: what a holder of the lock does itself, and what
// each worker has in hand.
var mostBefore = int64(10 + 64*(runtime.GOMAXPROCS(0)+1))

// While an event goes to a thousand readers, what comes for others is written: on another channel of the topic, in the same burst or
// later, and for another tenant. Nothing else is waited for but a few writes.
func TestFanOutKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	loud := &realtime.Tenant{ID: "loud"}
	tests := []struct {
		name   string
		tenant *realtime.Tenant
		after  time.Duration
	}{
		{"in the same burst", loud, 0},
		{"in the next burst", loud, 500 * time.Millisecond},
		{"for another tenant", acmeTenant(), 500 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newQuietRig(t, acmeTenant())
				many := r.crowd(loud, "crowd:1", 1000, time.Millisecond)
				one := r.crowd(test.tenant, "quiet:1", 1, 0)
				one.clients[0].others = &many.writes
				r.send(loud, "crowd:1", 1)
				time.Sleep(test.after)
				written := many.writes.Load()
				r.send(test.tenant, "quiet:1", 1)
				synctest.Wait()
				time.Sleep(time.Minute)
				if n := many.writes.Load(); n != 1000 || one.writes.Load() != 1 {
					t.Fatalf("%d of the many and %d of the one were written", n, one.writes.Load())
				}
				if before := one.clients[0].before.Load() - written; before > mostBefore {
					t.Errorf("%d of the many were written first, more than %d", before, mostBefore)
				}
			})
		})
	}
}

// A server that writes more slowly than events come in closes nobody for it: it takes in no more than there is room for. The
// queues are the smallest there are, and the events many times as many.
func TestSlowServerClosesNobody(t *testing.T) {
	t.Parallel()
	for name, channel := range map[string]string{"at once": "crowd:1", "gathered": "ticks:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"ticks": {Tick: realtime.Duration(20 * time.Millisecond)}}
				tenant.Limits.QueueMessages, tenant.Limits.QueueBytes = 2*realtime.BurstMessages, 2*realtime.BurstBytes
				r := newQuietRig(t, tenant)
				many := r.crowd(tenant, channel, 500, time.Millisecond)
				const events = 1000 // in a second; a queue holds 64 of them
				for range events / 10 {
					r.send(tenant, channel, 10)
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(time.Minute)
				if n := many.shut.Load(); n > 0 {
					t.Errorf("%d were closed", n)
				}
				for i, s := range many.clients {
					if n := s.frames.Load(); n < events {
						t.Fatalf("client %d has %d of %d events", i, n, events)
					}
				}
			})
		})
	}
}

// What was delivered before a Hub is drained has been written once that is done.
func TestDrainWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQuietRig(t, acmeTenant())
		many := r.crowd(r.tenant, "crowd:1", 2000, time.Millisecond)
		r.send(r.tenant, "crowd:1", 1)
		time.Sleep(10 * time.Millisecond) // it is delivered
		if err := r.hub.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := many.writes.Load(); n < 2000 {
			t.Errorf("%d of 2000 have been written to", n)
		}
	})
}

// Two tenants that are always behind are written to by the weights of their documents, the newest of which hold.
func TestWeights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQuietRig(t, acmeTenant())
		tenants := []*realtime.Tenant{{ID: "heavy", Limits: realtime.Limits{Weight: 6}}, {ID: "light"}}
		var crowds []*crowd
		for _, tenant := range tenants {
			crowds = append(crowds, r.crowd(tenant, "crowd:1", 1000, time.Millisecond))
		}
		// ratio is how much more often the first is written to, while both are behind.
		ratio := func() float64 {
			for _, tenant := range tenants {
				r.send(tenant, "crowd:1", 1)
			}
			time.Sleep(50 * time.Millisecond) // both are being written to
			before := []int64{crowds[0].writes.Load(), crowds[1].writes.Load()}
			time.Sleep(300 * time.Millisecond)
			got := float64(crowds[0].writes.Load()-before[0]) / float64(crowds[1].writes.Load()-before[1])
			time.Sleep(time.Minute)
			return got
		}
		check := func(want float64) {
			t.Helper()
			if got := ratio(); got < want/1.4 || got > want*1.4 {
				t.Errorf("the first is written to %.1f times as often, want %.0f", got, want)
			}
		}
		check(6)
		tenants[0] = &realtime.Tenant{ID: "heavy", Limits: realtime.Limits{Weight: 2}}
		r.hub.Update(tenants[0])
		check(2)
	})
}

package hub_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/publish"
)

// Of 2,000 changes a second of one key, readers at 5 a second are given 5 a second, each the newest at its time, and the last one; those
// that share a connection as well.
func TestRateOfOneKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		ann, bob := r.connect("ann"), r.connect("bob")
		for _, name := range []string{"prices:a", "prices:b", "prices:c"} {
			if err := r.hub.Subscribe(ann.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel(name), Want: hub.Want{MaxRate: 5}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.hub.Subscribe(bob.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel("prices:a"), Want: hub.Want{MaxRate: 5}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		ann.take()
		bob.take()
		n := 0
		for range 10_000 { // of 5 s
			n++
			for _, name := range []string{"prices:a", "prices:b", "prices:c"} {
				p := []realtime.Publication{{Channel: r.channel(name), ID: fmt.Sprint(n), Key: "k", Data: []byte("1")}}
				if err := r.pub.Publish(context.Background(), r.tenant, p); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(500 * time.Microsecond)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		for _, p := range []*page{ann, bob} {
			count, last := map[string]int{}, map[string]string{}
			for _, f := range p.take() {
				if f.Code == "tuned" {
					t.Errorf("%s is slowed: %v", f.Channel, f.MaxRate)
				}
				if f.Key != "" {
					count[f.Channel]++
					last[f.Channel] = f.Position[len("946684800000-"):]
				}
			}
			for c, n := range count {
				if n < 25 || n > 27 || last[c] != "10000" {
					t.Errorf("%s: %d messages in 5 s, the last one is %s", c, n, last[c])
				}
			}
			if len(count) == 0 {
				t.Error("nothing came")
			}
		}
	})
}

// countingFilter counts how often it is asked.
type countingFilter struct {
	name  string
	calls *atomic.Int64
}

func (f countingFilter) ID() string { return f.name }
func (f countingFilter) Match(*realtime.Publication, *view.Memo) bool {
	f.calls.Add(1)
	return true
}

type countingCompiler struct{ calls *atomic.Int64 }

func (c countingCompiler) Compile(source string, _ view.Viewer) (view.Filter, error) {
	return countingFilter{source, c.calls}, nil
}

// Each distinct filter is asked once about a Publication, however many connections have it, and however they read.
func TestFiltersAreAskedOnce(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]hub.SubscribeRequest{
		"plain": {}, "state": {State: true}, "rate": {Want: hub.Want{MaxRate: 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transient := false
				r := newRig(t, acmeTenant())
				r.tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &transient}}}
				broker := memory.NewBroker(memory.BrokerOptions{})
				calls := &atomic.Int64{}
				r.pub = publish.New(broker, publish.Options{})
				r.hub = hub.New(broker, hub.Options{Instance: "i2", Filters: countingCompiler{calls}})
				defer func() { _ = r.hub.Close(context.Background()); _ = broker.Close(context.Background()) }()
				c := r.channel("fleet:eu")
				for i := range 1000 {
					p := r.connect("ann")
					q := req
					q.ID, q.Channel, q.Filter = "1", c, fmt.Sprint("filter", i%50)
					if err := r.hub.Subscribe(p.conn, q); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				synctest.Wait()
				for n := range 3 {
					calls.Store(0)
					p := []realtime.Publication{{Channel: c, ID: fmt.Sprint(n), Key: "k", Data: []byte("1")}}
					if err := r.pub.Publish(context.Background(), r.tenant, p); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
					if got := calls.Load(); got != 50 {
						t.Errorf("asked %d times about publication %d", got, n)
					}
				}
			})
		})
	}
}

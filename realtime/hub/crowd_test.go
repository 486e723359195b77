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
	"github.com/tidewire/tidewire/realtime/publish"
)

// Of the filters that are asked about everything, a channel has a bound, however its readers read and whenever they came: one more is refused, by
// subscribe and by tune, and whoever asks for what others ask for, or for nothing, is not. When one goes there is room again.
func TestFiltersOfAChannelAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ways []hub.SubscribeRequest
		busy bool // they come before anything is known of the channel
	}{
		"plain": {ways: []hub.SubscribeRequest{{}}}, "state": {ways: []hub.SubscribeRequest{{State: true}}}, "rate": {ways: []hub.SubscribeRequest{{Want: hub.Want{MaxRate: 5}}}},
		"each":           {ways: []hub.SubscribeRequest{{}, {State: true}, {Want: hub.Want{MaxRate: 5}}}},
		"all at once":    {ways: []hub.SubscribeRequest{{}}, busy: true},
		"states at once": {ways: []hub.SubscribeRequest{{State: true}}, busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { undecided(t, tt.ways, tt.busy) })
		})
	}
}

func undecided(t *testing.T, ways []hub.SubscribeRequest, busy bool) {
	durable := false
	r := newRig(t, acmeTenant())
	r.tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}
	broker := memory.NewBroker(memory.BrokerOptions{})
	r.pub = publish.New(broker, publish.Options{})
	r.hub = hub.New(broker, hub.Options{Instance: "i2", Filters: countingCompiler{&atomic.Int64{}}})
	defer func() { _ = r.hub.Close(context.Background()); _ = broker.Close(context.Background()) }()
	c := r.channel("fleet:eu")
	ask := func(i int, filter string) *page {
		p, q := r.connect("ann"), ways[i%len(ways)]
		q.ID, q.Channel, q.Filter = "1", c, filter
		if err := r.hub.Subscribe(p.conn, q); err != nil {
			t.Fatal(err)
		}
		return p
	}
	answered := func(p *page, want string) {
		t.Helper()
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.frames {
			if f.ID == "1" {
				if got := string(f.Type) + " " + f.Limit; got != want {
					t.Fatalf("answered %q, want %q: %s", got, want, f.Message)
				}
				return
			}
		}
		t.Fatal("not answered")
	}
	if !busy {
		answered(ask(0, ""), "ok ")
		time.Sleep(time.Second)
	}
	all := make([]*page, realtime.MaxChannelFilters+100)
	for i := range all {
		all[i] = ask(i, fmt.Sprint("filter", i))
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	read := 0
	for i, p := range all {
		p.mu.Lock()
		if len(p.frames) > 0 && p.frames[0].Type == "ok" {
			read++
		} else {
			all[i] = nil
		}
		p.mu.Unlock()
	}
	if read != realtime.MaxChannelFilters {
		t.Fatalf("%d filters are read, want %d", read, realtime.MaxChannelFilters)
	}
	one := 0
	for all[one] == nil {
		one++
	}
	for i := range ways {
		answered(ask(i, fmt.Sprint("filter", one+(i-one%len(ways)+len(ways))%len(ways))), "ok ")
		answered(ask(i, ""), "ok ")
		answered(ask(i, "another"), "error filtersPerChannel")
	}
	tune := func(p *page, filter string) error {
		_, err := p.conn.Tune(c, "", func(w hub.Want) (hub.Want, error) {
			w.Filter = filter
			return w, nil
		})
		return err
	}
	plain := ask(0, "")
	answered(plain, "ok ")
	if err := tune(plain, "another"); realtime.CodeOf(err) != realtime.CodeLimited {
		t.Errorf("a tune to one more is answered %v", err)
	}
	last := len(all) - 1
	for all[last] == nil {
		last--
	}
	r.hub.Disconnect(all[last].conn)
	if err := tune(plain, "another"); err != nil {
		t.Errorf("a tune with room is answered %v", err)
	}
	answered(ask(0, "yet another"), "error filtersPerChannel")
	if err := tune(plain, ""); err != nil {
		t.Error(err)
	}
	answered(ask(0, "yet another"), "ok ")
}

package tidewire

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
)

func filters(t *testing.T) gateway.Options {
	t.Helper()
	compiler, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Options{Filters: compiler, Lifetime: 2 * time.Minute}
}

// world is what a producer has made of the states of some channels: the desk and the data of the value of each key, and when that ends.
type world struct {
	mu    sync.Mutex // guards what follows
	state map[ChannelKey]value
}

type value struct {
	desk, data string
	ends       time.Time
}

// seen is what a viewer of a desk in a channel is to see; "" is all of either. What ends within moments is taken out of it and of what the viewer has.
func (w *world) seen(channel, desk string, has map[ChannelKey]string) map[ChannelKey]string {
	const moments = 2 * time.Second
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[ChannelKey]string{}
	for key, v := range w.state {
		switch left := time.Until(v.ends); {
		case left.Abs() < moments:
			delete(has, key)
		case (channel == "" || key.Channel == channel) && (desk == "" || v.desk == desk) && left > 0:
			all[key] = v.data
		}
	}
	return all
}

// run publishes changes, in order, until an end.
func (w *world) run(ctx context.Context, t *testing.T, c *Client, r *rand.Rand, end time.Time) {
	for n := 0; time.Now().Before(end); n++ {
		e := Event{Channel: []string{"fleet:eu", "fleet:eu", "fleet:us", "fleet:x"}[r.IntN(4)], Key: fmt.Sprint("v", r.IntN(15)), Data: json.RawMessage(fmt.Sprint(n)), Tags: map[string]string{"desk": string(rune('a' + r.IntN(3)))}}
		v := value{desk: e.Tags["desk"], data: string(e.Data), ends: time.Now().Add(realtime.MaxUnstoredTTL)}
		switch r.IntN(8) {
		case 0:
			e.Delete, e.Data = true, nil
		case 1:
			ttl := time.Duration(1+r.IntN(20)) * time.Second
			e.TTL, v.ends = realtime.Duration(ttl), time.Now().Add(ttl)
		}
		if _, err := c.Publish(ctx, e); err != nil {
			t.Error(err)
			return
		}
		w.mu.Lock()
		if w.state[ChannelKey{e.Channel, e.Key}] = v; e.Delete {
			delete(w.state, ChannelKey{e.Channel, e.Key})
		}
		w.mu.Unlock()
		time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
	}
}

// screen is a view of one channel, or of all.
type screen interface {
	Tune(ctx context.Context, t Tuning) (Tuned, error)
	Err() error
	Close()
}

func shown(v screen) map[ChannelKey]string {
	all := map[ChannelKey]string{}
	switch v := v.(type) {
	case *KeyedView:
		for key, m := range v.All() {
			all[ChannelKey{"fleet:eu", key}] = string(m.Data)
		}
	case *PatternView:
		for _, channel := range v.Channels() {
			for key, m := range v.All(channel) {
				all[ChannelKey{channel, key}] = string(m.Data)
			}
		}
	}
	return all
}

// TestViewsAgree has viewers of one state, each with filters and rates that they change, whose connections are cut and moved while the state
// changes: whenever that rests, each sees exactly what it may and wants to see. A broker that misbehaves has them wait, and be wrong for a
// while, but not for good.
func TestViewsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := filters(t)
				p := &panel{r: rand.New(rand.NewPCG(seed, 5)), world: world{state: map[ChannelKey]value{}}}
				if seed%2 == 1 {
					rough := faultybroker.New(memory.NewBroker(memory.BrokerOptions{}), faultybroker.Rough(seed))
					o.Broker, p.rough = rough, rough
				}
				within(t, o, p.run)
			})
		})
	}
}

// panel is some viewers of a world.
type panel struct {
	r     *rand.Rand
	rough *faultybroker.Broker // nil: the broker does what it should
	world world
	views []screen
	desks []string              // of which each shows the rows; "" is all
	told  map[ChannelKey]string // what the first view of all channels has told of
}

func (p *panel) run(t *testing.T, d *deployment) {
	producer := d.client("producer")
	defer producer.Close()
	p.told = map[ChannelKey]string{}
	for i, rate := range []float64{0, 2, 0.5, 0, 1} {
		c := d.client(fmt.Sprint("viewer", i), func(o *Options) { o.Token = d.token("viewer", time.Duration(3+20*i)*time.Minute) })
		defer c.Close()
		p.desks = append(p.desks, []string{"", "a", "b", "", "a"}[i])
		o := ViewOptions{Filter: deskFilter(p.desks[i]), MaxRate: rate}
		var v screen
		var err error
		if i < 3 {
			v, err = c.View("fleet:eu", o)
		} else {
			v, err = c.Views("fleet:*", o)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		p.views = append(p.views, v)
	}
	for range 8 {
		p.minute(t, d, producer)
		if p.rough == nil {
			time.Sleep(30 * time.Second)
			p.check(t)
		}
	}
	if p.rough != nil {
		p.rough.Calm()
		time.Sleep(100 * time.Second)
		p.check(t)
	}
}

// minute has the world change, connections be cut, and viewers want to see something else.
func (p *panel) minute(t *testing.T, d *deployment, producer *Client) {
	var producing sync.WaitGroup
	defer producing.Wait()
	pace := rand.New(rand.NewPCG(p.r.Uint64(), 6))
	producing.Go(func() { p.world.run(t.Context(), t, producer, pace, time.Now().Add(time.Minute)) })
	for range 1 + p.r.IntN(4) {
		time.Sleep(time.Duration(p.r.IntN(20)) * time.Second)
		switch i := p.r.IntN(len(p.views)); p.r.IntN(3) {
		case 0:
			d.cut()
		case 1:
			p.desks[i] = []string{"", "a", "b", "c"}[p.r.IntN(4)]
			filter, rate := deskFilter(p.desks[i]), []float64{0, 1, 10}[p.r.IntN(3)]
			if _, err := p.views[i].Tune(t.Context(), Tuning{Filter: &filter, MaxRate: &rate}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (p *panel) check(t *testing.T) {
	t.Helper()
	for i, v := range p.views {
		got, channel := shown(v), "fleet:eu"
		if _, ok := v.(*PatternView); ok {
			channel = ""
		}
		if i == 3 {
			p.follow(t, v.(*PatternView), got) //nolint:forcetypeassert // that is how it was made
		}
		if want := p.world.seen(channel, p.desks[i], got); !maps.Equal(got, want) || v.Err() != nil {
			t.Fatalf("%d, a viewer of %q, sees %v, want %v; %v", i, p.desks[i], got, want, v.Err())
		}
	}
}

// follow checks that a view tells of everything that differs from what it told before.
func (p *panel) follow(t *testing.T, v *PatternView, now map[ChannelKey]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	rows, err := v.Changes(ctx)
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if m, ok := v.Get(row.Channel, row.Key); ok {
			p.told[row] = string(m.Data)
		} else {
			delete(p.told, row)
		}
	}
	if !maps.Equal(p.told, now) {
		t.Fatalf("by its changes it shows %v, and it shows %v", p.told, now)
	}
}

func deskFilter(desk string) string {
	if desk == "" {
		return ""
	}
	return fmt.Sprintf("tags.desk == '%s'", desk)
}

// Options that a server refuses end the Subscription, or the Tune alone, with what is wrong with them.
func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	bubble(t, filters(t), func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		for name, o := range map[string]SubscribeOptions{"a bad filter": {Filter: "tags.desk = 'a'"}, "no such rate": {MaxRate: -1}} {
			s, err := c.Subscribe("prices:fx", o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Next(t.Context()); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v, err := c.View("prices:fx", ViewOptions{}); err != nil {
			t.Error(err)
		} else if _, err := v.Changes(t.Context()); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("no state: %v", err)
		} else {
			v.Close()
		}
		s, err := c.Subscribe("fleet:eu", SubscribeOptions{State: true, Keys: []string{"v*"}})
		if err != nil {
			t.Fatal(err)
		}
		filter, keys := "nonsense", []string{"v1"}
		if _, err := s.Tune(t.Context(), Tuning{Filter: &filter}); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("a bad filter: %v", err)
		}
		if got, err := s.Tune(t.Context(), Tuning{Keys: &keys}); err != nil || !slices.Equal(got.Keys, keys) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := s.Tune(t.Context(), Tuning{AddKeys: []string{"v2"}, RemoveKeys: []string{"v1"}}); err != nil || !slices.Equal(got.Keys, []string{"v2"}) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// What is tuned of a pattern holds for all its channels, those that begin later and those of later connections; what is refused changes nothing.
func TestPatternIsTuned(t *testing.T) {
	t.Parallel()
	bubble(t, filters(t), func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		sub, err := c.Subscribe("prices:*", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next(t, sub)
		time.Sleep(5 * time.Minute) // an asOf of before the server began vouches for less
		n := 0
		given := func(channels ...string) (all []string) {
			t.Helper()
			for _, channel := range channels {
				for _, desk := range []string{"a", "b"} {
					n++
					data := json.RawMessage(fmt.Sprintf(`{"ask":0,"bid":%d}`, n))
					if _, err := c.Publish(t.Context(), Event{Channel: "prices:" + channel, Data: data, Tags: map[string]string{"desk": desk}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(5 * time.Second)
			for u, ok, _ := sub.queue.take(); ok; u, ok, _ = sub.queue.take() {
				switch u.Kind {
				case KindMessage:
					all = append(all, u.Channel+string(u.Message.Data))
				case KindGap:
					all = append(all, u.Channel+" gap")
				}
			}
			slices.Sort(all)
			return all
		}
		tune := func(change Tuning, refused realtime.Code) {
			t.Helper()
			if got, err := sub.Tune(t.Context(), change); realtime.CodeOf(err) != refused && (err != nil || refused != "") {
				t.Errorf("%+v, %v, want %q", got, err, refused)
			}
		}
		check := func(got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		check(given("x"), `prices:x{"ask":0,"bid":1}`, `prices:x{"ask":0,"bid":2}`)
		desk, wrong, fields, paused, going := "tags.desk == 'b'", "tags.desk = 'b'", []string{"bid"}, true, false
		tune(Tuning{Filter: &desk, Fields: &fields}, "")
		check(given("x", "y"), `prices:x{"bid":4}`, `prices:y{"bid":6}`)
		tune(Tuning{Filter: &wrong}, realtime.CodeBadRequest)
		d.cut()
		check(given("x", "z"), `prices:x{"bid":8}`, `prices:z{"bid":10}`)
		tune(Tuning{Paused: &paused}, "")
		check(given("x", "new"))
		tune(Tuning{Paused: &going}, "")
		check(given("y"), `prices:new{"bid":14}`, `prices:x{"bid":12}`, `prices:y{"bid":16}`)
	})
}

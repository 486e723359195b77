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
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func filters(t *testing.T) gateway.Options {
	t.Helper()
	compiler, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Options{Filters: compiler, Lifetime: 2 * time.Minute}
}

// world is what a producer has made of the state of a channel: by key, the desk and the data of its value, and when that ends.
type world struct {
	mu    sync.Mutex // guards what follows
	state map[string]value
}

type value struct {
	desk, data string
	ends       time.Time
}

// seen is what a viewer of a desk is to see; "" sees everything. What ends within moments is taken out of it and of what the viewer has.
func (w *world) seen(desk string, has map[string]string) map[string]string {
	const moments = 2 * time.Second
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for key, v := range w.state {
		switch left := time.Until(v.ends); {
		case left.Abs() < moments:
			delete(has, key)
		case (desk == "" || v.desk == desk) && left > 0:
			all[key] = v.data
		}
	}
	return all
}

// run publishes changes, in order, until an end.
func (w *world) run(ctx context.Context, t *testing.T, c *Client, r *rand.Rand, end time.Time) {
	for n := 0; time.Now().Before(end); n++ {
		e := Event{Channel: "fleet:eu", Key: fmt.Sprint("v", r.IntN(30)), Data: json.RawMessage(fmt.Sprint(n)), Tags: map[string]string{"desk": string(rune('a' + r.IntN(3)))}}
		v := value{desk: e.Tags["desk"], data: string(e.Data), ends: time.Now().Add(realtime.MaxTransientTTL)}
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
		if w.state[e.Key] = v; e.Delete {
			delete(w.state, e.Key)
		}
		w.mu.Unlock()
		time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
	}
}

func shown(v *KeyedView) map[string]string {
	all := map[string]string{}
	for key, m := range v.All() {
		all[key] = string(m.Data)
	}
	return all
}

// TestViewsAgree has viewers of one state, each with filters and rates that they change, whose connections are cut and moved while the state
// changes: whenever that rests, each sees exactly what it may and wants to see.
func TestViewsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			bubble(t, filters(t), func(t *testing.T, d *deployment) {
				r := rand.New(rand.NewPCG(seed, 5))
				w := &world{state: map[string]value{}}
				producer := d.client("producer")
				defer producer.Close()
				c := d.client("viewer", func(o *Options) { o.Token = d.token("viewer", 3*time.Minute) })
				defer c.Close()
				desks := []string{"", "a", "b"}
				views := make([]*KeyedView, len(desks))
				clients := []*Client{c, d.client("second"), d.client("third")}
				for i := range views {
					defer clients[i].Close()
					v, err := clients[i].View("fleet:eu", ViewOptions{Filter: deskFilter(desks[i]), MaxRate: []float64{0, 2, 0.5}[i]})
					if err != nil {
						t.Fatal(err)
					}
					defer v.Close()
					views[i] = v
				}
				for range 8 {
					var producing sync.WaitGroup
					pace := rand.New(rand.NewPCG(r.Uint64(), 6))
					producing.Go(func() { w.run(t.Context(), t, producer, pace, time.Now().Add(time.Minute)) })
					for range 1 + r.IntN(4) {
						time.Sleep(time.Duration(r.IntN(20)) * time.Second)
						switch i := r.IntN(len(views)); r.IntN(3) {
						case 0:
							d.cut()
						case 1:
							desks[i] = []string{"", "a", "b", "c"}[r.IntN(4)]
							filter, rate := deskFilter(desks[i]), []float64{0, 1, 10}[r.IntN(3)]
							if _, err := views[i].Tune(t.Context(), Tuning{Filter: &filter, MaxRate: &rate}); err != nil {
								t.Fatal(err)
							}
						}
					}
					producing.Wait()
					time.Sleep(30 * time.Second)
					for i, v := range views {
						got := shown(v)
						if want := w.seen(desks[i], got); !maps.Equal(got, want) || v.Err() != nil {
							t.Fatalf("a viewer of %q sees %v, want %v; %v", desks[i], got, want, v.Err())
						}
					}
				}
			})
		})
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

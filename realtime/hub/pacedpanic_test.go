package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/publish"
)

// bombFilter panics at a Publication whose key is "bomb".
type bombFilter struct{}

func (bombFilter) ID() string { return "bomb" }
func (bombFilter) Match(p *realtime.Publication, _ *view.Memo) bool {
	if p.Key == "bomb" {
		panic("a filter")
	}
	return true
}

type bombCompiler struct{}

func (bombCompiler) Compile(string, view.Viewer) (view.Filter, error) { return bombFilter{}, nil }

// A panic in what gives a reader a state, or what is new at its rate, ends the connection that it was for; others read on.
func TestPanicOfAPacedReader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		state bool
		want  hub.Want
		when  string
	}{
		"state":    {true, hub.Want{Filter: "x"}, "publish"},
		"rate":     {false, hub.Want{Filter: "x", MaxRate: 2}, "publish"},
		"snapshot": {true, hub.Want{Filter: "x"}, "before"},
		"unpaused": {false, hub.Want{Filter: "x", Paused: true}, "publish"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transient := false
				r := &rig{t: t, tenant: acmeTenant(), metrics: &levels{}}
				r.tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &transient}}}
				broker := memory.NewBroker(memory.BrokerOptions{})
				log := &strings.Builder{}
				r.broker, r.pub = broker, publish.New(broker, publish.Options{})
				r.hub = hub.New(broker, hub.Options{Instance: "i1", Filters: bombCompiler{}, Logger: slog.New(slog.NewTextHandler(log, nil))})
				defer func() {
					if err := r.hub.Close(context.Background()); err != nil {
						t.Error(err)
					}
					if err := broker.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				c := r.channel("fleet:eu")
				put := func(key string) {
					p := []realtime.Publication{{Channel: c, ID: key + fmt.Sprint(time.Now().UnixMilli()), Key: key, Data: []byte("1")}}
					if err := r.pub.Publish(context.Background(), r.tenant, p); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				open := func(state bool, w hub.Want) *page {
					p := r.connect("ann")
					if err := r.hub.Subscribe(p.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: state, Want: w}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
					return p
				}
				well, plain := open(true, hub.Want{}), open(false, hub.Want{})
				if want.when == "before" {
					put("bomb")
				}
				bad := open(want.state, want.want)
				put("bomb")
				if want.want.Paused {
					if _, err := bad.conn.Tune(c, "", func(w hub.Want) (hub.Want, error) { w.Paused = false; return w, nil }); err != nil {
						t.Fatal(err)
					}
				}
				put("a")
				time.Sleep(10 * time.Second)
				put("b")
				if bad.ended() == nil {
					t.Errorf("it goes on:\n%s", log)
				}
				for i, p := range []*page{well, plain} {
					frames := fmt.Sprint(sketch(p.take()))
					if p.ended() != nil || !strings.Contains(frames, "a9") || !strings.Contains(frames, "b9") {
						t.Errorf("reader %d: ended with %v, was given %s\n%s", i, p.ended(), frames, log)
					}
				}
			})
		})
	}
}

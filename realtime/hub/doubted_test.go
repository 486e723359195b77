package hub_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// leaky loses a publication, once.
type leaky struct {
	realtime.Broker
	id atomic.Pointer[string]
}

func (l *leaky) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := l.Broker.Follow(ctx, topic, f)
	return leakyStream{s, l}, err
}

type leakyStream struct {
	realtime.Stream
	*leaky
}

func (s leakyStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	all, err := s.Stream.Receive(ctx)
	id := s.id.Load()
	return slices.DeleteFunc(all, func(m realtime.Message) bool { return id != nil && m.ID == *id }), err
}

// Between a hole in what has come and the reload of a state, nobody is given a position from which another instance would go on as if nothing were missing.
func TestNobodyResumesAcrossAHoleOfAState(t *testing.T) {
	t.Parallel()
	for name, durable := range map[string]bool{"durable": true, "transient": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}
				store := memory.NewStates()
				r := newRig(t, tenant)
				broker := &leaky{Broker: r.broker}
				hubs := make([]*hub.Hub, 2)
				for i, b := range []realtime.Broker{broker, r.broker} {
					hubs[i] = hub.New(b, hub.Options{Instance: "h" + string(rune('1'+i)), Payload: wire.Compact, States: store})
					t.Cleanup(func() {
						if err := hubs[i].Close(context.Background()); err != nil {
							t.Error(err)
						}
					})
				}
				c := r.channel("fleet:eu")
				save := func() { // everything up to now is in the checkpoint, which has no keys yet
					if _, err := store.Claim(t.Context(), realtime.OwnTopic(tenant), "keeper", time.Now().Add(time.Hour)); err != nil {
						t.Fatal(err)
					}
					if err := store.Save(t.Context(), realtime.OwnTopic(tenant), "keeper", nil, &realtime.StateMark{
						Watermark: time.Now(), Since: map[realtime.NamespaceRef]time.Time{{Tenant: "acme", Namespace: "*"}: time.Unix(1, 0)},
					}); err != nil {
						t.Fatal(err)
					}
				}
				subscribe := func(h *hub.Hub, since realtime.Position, view string) *page {
					r.hub = h
					p := r.connect("ann")
					if err := h.Subscribe(p.conn, hub.SubscribeRequest{ID: "1", Channel: c, State: true, Since: since, View: view}); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					return p
				}
				for _, h := range hubs { // both follow
					subscribe(h, realtime.Position{}, "")
				}
				time.Sleep(5 * time.Minute)
				save()
				time.Sleep(time.Minute)
				ann := subscribe(hubs[0], realtime.Position{}, "")
				keep := subscribe(hubs[1], realtime.Position{}, "")
				if f := ann.take(); len(f) == 0 || f[0].Type != wire.TypeOK {
					t.Fatalf("%+v", f)
				}
				keep.take()
				r.publish("fleet:eu", "1")
				lost := "2"
				broker.id.Store(&lost)
				r.publish("fleet:eu", "2", "3")
				time.Sleep(20 * time.Second)
				synctest.Wait()
				rows, at, view := map[string]bool{}, realtime.Position{}, ""
				for _, f := range ann.take() {
					switch {
					case f.Type == wire.TypeMessage:
						rows[f.Key] = true
						at, _ = realtime.ParsePosition(f.Position)
					case f.Code == wire.NoticeView:
						view = f.View
					}
				}
				if rows["k2"] || !rows["k3"] {
					t.Fatalf("it has %v", rows)
				}
				again := subscribe(hubs[1], at, view)
				for _, f := range again.take() {
					if f.Reset {
						clear(rows)
					}
					for _, e := range append(f.Entries, f) {
						if e.Key != "" {
							rows[e.Key] = true
						}
					}
				}
				if len(rows) != 3 {
					t.Errorf("where it went it has %v", rows)
				}
			})
		})
	}
}

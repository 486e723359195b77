package hub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
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

// measured takes all frames, when it is not stuck, and knows how long each was.
type measured struct {
	t     *testing.T
	box   *outbox.Outbox
	mu    sync.Mutex // guards what follows
	stuck bool
	long  []int
	all   []wire.ServerFrame
}

func (m *measured) Flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stuck || !m.box.Begin() {
		return
	}
	for frames := m.box.Next(nil, 1<<16); len(frames) > 0; frames = m.box.Next(nil, 1<<16) {
		for _, f := range frames {
			m.long, m.all = append(m.long, len(f)), append(m.all, decode(m.t, f))
		}
	}
}
func (*measured) Beat(time.Time) bool  { return true }
func (*measured) Shut(*realtime.Error) {}

// A frame with more than one entry has at most 64 KiB, whatever the entries are: small ones, the largest that are allowed, and all between, in a snapshot as in
// what is sent to a reader who did not keep up. No entry is missing for that.
func TestFramesOfEntriesAreBounded(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 5))
			durable := false
			tenant := &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable, Bytes: 64 << 20}}}}
			tenant.Limits.MessageBytes = realtime.MaxMessageBytes
			broker := memory.NewBroker(memory.BrokerOptions{})
			h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact})
			one := &measured{t: t, box: outbox.New(wire.Encoder{}, nil)}
			conn, err := h.Connect(tenant, &realtime.Principal{Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}, one.box, one)
			if err != nil {
				t.Fatal(err)
			}
			c, err := realtime.NewChannel("acme", "fleet:eu")
			if err != nil {
				t.Fatal(err)
			}
			pub, want := publish.New(broker, publish.Options{}), map[string]int{}
			publishAll := func() {
				for i := range 60 {
					size := []int{10, 1000, 20 << 10, 45 << 10, 63 << 10, 64<<10 - 2, 300 << 10}[rng.IntN(7)]
					p := realtime.Publication{Channel: c, ID: fmt.Sprint(seed, len(want), i, rng.Int()), Key: fmt.Sprint("k", i), Data: []byte(`"` + strings.Repeat("x", size) + `"`)}
					if err := pub.Publish(context.Background(), tenant, []realtime.Publication{p}); err != nil {
						t.Fatal(err)
					}
					want[p.Key] = size
				}
			}
			rest := func() {
				time.Sleep(5 * time.Second)
				synctest.Wait()
			}
			stuck := func(is bool) {
				one.mu.Lock()
				one.stuck = is
				one.mu.Unlock()
				one.Flush()
			}
			if err := h.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: c}); err != nil { // so that the hub reads the topic
				t.Fatal(err)
			}
			h.Unsubscribe(conn, c, "")
			publishAll()
			if err := h.Subscribe(conn, hub.SubscribeRequest{ID: "2", Channel: c, State: true}); err != nil {
				t.Fatal(err)
			}
			rest()
			stuck(true)
			for range 3 {
				publishAll()
			}
			rest()
			stuck(false)
			rest()
			has, multiple := map[string]int{}, map[wire.Type]int{}
			for i, f := range one.all {
				if len(f.Entries) > 1 && one.long[i] > 64<<10 {
					t.Errorf("seed %d: a frame %s of %d entries has %d bytes", seed, f.Type, len(f.Entries), one.long[i])
				}
				if len(f.Entries) > 1 {
					multiple[f.Type]++
				}
				for _, e := range append(f.Entries, f) {
					if e.Key != "" {
						has[e.Key] = len(e.Data) - 2
					}
				}
			}
			for key, size := range want {
				if has[key] != size {
					t.Errorf("seed %d: %s has %d bytes, want %d", seed, key, has[key], size)
				}
			}
			if multiple[wire.TypeSnapshot] == 0 || multiple[wire.TypeChanges] == 0 {
				t.Errorf("seed %d: frames with more than one entry are %v", seed, multiple)
			}
			h.Disconnect(conn)
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if err := broker.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

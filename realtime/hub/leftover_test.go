package hub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// gated is a client whose writes wait until a gate is opened.
type gated struct {
	box  *outbox.Outbox
	gate chan struct{}
}

func (g *gated) Flush()                 { <-g.gate }
func (g *gated) Beat(time.Time) bool    { return true }
func (g *gated) Shut(*realtime.Error)   {}
func (g *gated) frames() (all [][]byte) { return g.box.Start(nil, 1<<20) }

// A topic that is let go while something of it has been given to a part of its readers is given to the others, too: nobody comes back for what it was not told to
// have missed.
func TestATopicIsLetGoBetweenItsReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		r.hub.CutFanOuts(1)
		gate := make(chan struct{})
		var all []*gated
		for range 40 {
			g := &gated{box: outbox.New(wire.Encoder{}, nil), gate: make(chan struct{})}
			close(g.gate)
			c, err := r.hub.Connect(r.tenant, &realtime.Principal{Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}, g.box, g)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.hub.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: r.channel("a")}); err != nil {
				t.Fatal(err)
			}
			all = append(all, g)
		}
		synctest.Wait()
		for _, g := range all {
			if len(g.frames()) == 0 {
				t.Fatal("it is not answered")
			}
			for len(g.box.Next(nil, 1<<20)) > 0 {
				continue
			}
			g.gate = gate
		}
		r.publish("a", "1")
		synctest.Wait()
		queued := func() (n int) {
			for _, g := range all {
				if frames, _ := g.box.Len(); frames > 0 {
					n++
				}
			}
			return n
		}
		if n := queued(); n == 0 || n == len(all) {
			t.Fatalf("%d have it before the topic is let go: nothing is shown", n)
		}
		ended := make(chan error, 1)
		go func() { ended <- r.hub.Drain(context.Background()) }()
		synctest.Wait()
		close(gate)
		synctest.Wait()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := queued(); n != len(all) {
			t.Errorf("%d of %d were given it", n, len(all))
		}
	})
}

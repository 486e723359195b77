package hub_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// A tenant goes from its own topic to a shared one and back while events flow and clients
// come and go: nobody loses anything. A few are told gap although nothing is missing, all of them for one reason: they read slowly what is replayed
// for the order's sake, and it is evicted meanwhile (see resume in package channel).
func TestMoveBetweenTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		gaps := &gapReasons{}
		for i := range w.hubs {
			w.options = func(o *hub.Options) { o.Metrics = gaps }
			h := w.hubs[i]
			w.hubs[i] = w.newHub()
			w.closing.Go(func() { _ = h.Close(context.Background()) })
		}
		w.broker.Calm()
		for i, c := range w.clients {
			c.connect(w.hubs[i%len(w.hubs)])
		}
		flow(w, time.Now().Add(10*time.Minute))
		moveAndBack(w)
		own := realtime.OwnTopic(w.tenant.Load())
		for _, c := range w.clients {
			if c.visit.conn.Topic() != own {
				t.Errorf("%s reads %s", c.name, c.visit.conn.Topic())
			}
		}
		n := w.end() // it fails if anything is lost, comes twice or out of order
		if n.Gaps != n.FalseGaps || 20*n.Gaps > n.Answers || n.Resumed < 100 || n.Delivered < 10_000 {
			t.Errorf("%+v: something was lost, or too little was tried", n)
		}
		gaps.all.Range(func(reason, n any) bool {
			if reason != realtime.ReasonEvicted {
				t.Errorf("a gap was told because of %s: %v", reason, n)
			}
			return true
		})
	})
}

// gapReasons notes for which reasons a gap was told.
type gapReasons struct {
	realtime.NoMetrics
	all sync.Map
}

func (g *gapReasons) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountGaps {
		g.all.Store(reason, n)
	}
}

// moveAndBack moves the tenant to a shared topic, and back to its own.
func moveAndBack(w *world) {
	for _, placement := range []string{realtime.PlacementPooled, realtime.PlacementOwn} {
		moved := *w.tenant.Load()
		moved.Placement, moved.Moved = placement, realtime.NewMoved(w.tenant.Load().Placement, time.Now())
		// Not everybody sees the document at once.
		flow(w, time.Now().Add(time.Minute))
		w.tenant.Store(&moved)
		for _, h := range w.hubs {
			h.Update(&moved)
		}
		flow(w, moved.Moved.Until.Add(10*time.Minute))
	}
}

// flow lets events flow and clients come back until a moment; a client whose topic is another by
// now moves, as a gateway asks it to.
func flow(w *world, until time.Time) {
	for time.Now().Before(until) {
		w.publish(1 + w.rand.IntN(5))
		c := w.clients[w.rand.IntN(len(w.clients))]
		stray := c.visit.conn.Topic() != c.visit.hub.Topic(w.tenant.Load())
		if stray || w.rand.IntN(20) == 0 {
			c.connect(w.hubs[w.rand.IntN(len(w.hubs))])
		}
		time.Sleep(time.Duration(w.rand.IntN(1500)) * time.Millisecond)
		synctest.Wait()
	}
}

func TestMoved(t *testing.T) {
	t.Parallel()
	m := realtime.NewMoved("", time.Unix(1000, 0))
	if m.From != realtime.PlacementOwn || m.Settled() != time.Unix(1090, 0) || m.Reads() != time.Unix(1450, 0) || m.Leaves() != time.Unix(1720, 0) || m.Until != time.Unix(1900, 0) {
		t.Errorf("%+v: %v, %v, %v", m, m.Settled(), m.Reads(), m.Leaves())
	}
	for name, bad := range map[string]*realtime.Moved{
		"moved.from":  {From: "moon", At: m.At, Until: m.Until},
		"moved.until": {From: "own", At: m.At, Until: m.At},
	} {
		if err := (&realtime.Tenant{ID: "acme", Moved: bad}).Check(); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package probe_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
)

// A run waits longer than a gateway that has just begun to follow the topic may take for the answer, or it calls a healthy deployment broken.
func TestDefaultsOutwaitAGateway(t *testing.T) {
	t.Parallel()
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{})
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	pace := h.Pace()
	patience := pace.Beacon + 2*pace.Fence + 2*time.Second // two of the Hub's sweeps
	if probe.DefaultMaxTime <= patience+5*time.Second {
		t.Errorf("a run takes %v at most, and a subscribe alone may take %v", probe.DefaultMaxTime, patience)
	}
}

// followed is a gateway's Metrics that remember of its topics how many began to be followed, and how many are.
type followed struct{ began, now atomic.Int64 }

func (f *followed) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountFollows && reason == "first" {
		f.began.Add(int64(n))
	}
}

func (f *followed) Level(g realtime.Gauge, _ string, value int) {
	if g == realtime.GaugeTopics {
		f.now.Store(int64(value))
	}
}

func (f *followed) Took(realtime.Timing, string, time.Duration) {}

// Between runs the gateway goes on following the probe's topic, however soon it lets go of what nobody needs.
func TestTopicIsFollowedBetweenRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held int
		want int64 // topics that begin to be followed in two runs
	}{"some are held": {probe.DefaultHeld, 1}, "one is held": {1, 1}, "none is held": {0, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metrics := &followed{}
			d := deployWith(t, metrics, hub.Pace{Linger: time.Millisecond})
			p, _ := d.open(t, func(o *probe.Options) { o.Held = c.held })
			run := func() {
				if _, err := p.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			run()
			if c.held > 0 {
				time.Sleep(2500 * time.Millisecond) // two sweeps of a gateway that would let go
			}
			for start := time.Now(); c.held == 0 && metrics.now.Load() > 0 && time.Since(start) < patience; {
				time.Sleep(10 * time.Millisecond)
			}
			run()
			if got := metrics.began.Load(); got != c.want {
				t.Errorf("the topic began to be followed %d times, want %d", got, c.want)
			}
		})
	}
}

// What is held is bounded, and closed with the probe. A socket that the gateway has closed is let go.
func TestHeldSocketsAreBounded(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	p, _ := d.open(t, func(o *probe.Options) { o.Held = 2 })
	for range 5 {
		if _, err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for start := time.Now(); d.sockets() != 2; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("%d sockets are open, want 2", d.sockets())
		}
	}
	if _, err := probe.New(probe.Options{Gateway: d.gateway, Ingest: d.ingest, Tenant: "probe", Held: 16}); realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("16 are held: %v", err)
	}
}

package client

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encoder encodes nothing.
type encoder struct{ outbox.Encoder }

func frame(payload string) outbox.Frame {
	return outbox.Frame{Bytes: append(outbox.AppendFrameHeader(nil, 0x81, len(payload)), payload...)}
}

// unwritten is a connection whose client takes nothing.
type unwritten struct{}

func (unwritten) Flush()         {}
func (unwritten) Written() int64 { return 0 }

// world has clients of one tenant, share, and what is to be done with them.
type world struct {
	fx      Given
	flushes *schedule.Scheduler
	source  schedule.Source
	share   *schedule.Tenant
}

func newWorld() *world {
	flushes := schedule.New(1)
	return &world{flushes: flushes, share: flushes.Join("acme", 1)}
}

func (w *world) connect() *Client {
	c := &Client{Box: outbox.New(encoder{}, &outbox.Limits{Messages: 1 << 20, Bytes: 1 << 30})}
	c.Schedule.Bind(w.share, unwritten{})
	return c
}

// parts is a subscription that takes so many refills.
type parts struct {
	c    *Client
	left int
	room *int // how often there is room
}

func (p *parts) Refill() bool {
	if *p.room--; *p.room < 0 {
		return false
	}
	if p.left--; p.left > 0 {
		return false
	}
	p.c.Drop(p)
	return true
}

// A writer refills those that wait until there is no room, and again until none waits; what it takes itself needs no flush.
func TestRefill(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.connect()
	room := 0
	for n := range 3 {
		c.Wait(&parts{c, n + 1, &room})
	}
	c.Refill(&w.fx)
	if !c.Waits() {
		t.Error("nothing waits, and there was no room")
	}
	for range 6 {
		room = 1
		c.Refill(&w.fx)
	}
	if room = 6; c.Waits() {
		c.Refill(&w.fx)
	}
	if c.Waits() || len(w.fx.Queued) > 0 {
		t.Errorf("something waits: %t; %d are to be flushed", c.Waits(), len(w.fx.Queued))
	}
	if a, b := c.Number(), c.Number(); a == b {
		t.Error("two subscriptions have one number")
	}
}

// A client that cannot be told something, or does not keep up, is to be closed; nobody is flushed twice.
func TestEffects(t *testing.T) {
	t.Parallel()
	w := newWorld()
	l := w.connect()
	l.Box.SetLimits(&outbox.Limits{Messages: 1, Bytes: 1 << 20})
	var fx Given
	fx.Push(l, &outbox.Delivery{})
	if len(fx.Closes) != 1 || fx.Closes[0].Err == nil || len(fx.Queued) != 0 {
		t.Errorf("without a frame: %+v", fx)
	}
	fx = Given{}
	for range 2 {
		fx.Push(l, &outbox.Delivery{Frame: frame("x"), Policy: realtime.OverflowDisconnect})
	}
	if len(fx.Closes) != 1 || fx.Closes[0].Err != nil || len(fx.Queued) != 1 {
		t.Errorf("with a full queue: %+v", fx)
	}
	w.flushes.Flush(&w.source, fx.Queued)
	if fx.Touch(l); len(fx.Queued) != 2 {
		t.Error("it is not queued again")
	}
	for range MostSteps {
		if fx.Tired() {
			t.Fatal("tired too early")
		}
	}
	if !fx.Tired() {
		t.Error("never tired")
	}
}

// What is handed over together is of one tenant, and a fan-out to many ends before what comes next.
func TestFanOutsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld()
	fx := &w.fx
	fx.Begin()
	for range worthAnEnd + 1 {
		fx.Touch(w.connect())
	}
	fx.EndFanOut()
	few := w.connect()
	fx.Touch(few)
	fx.Touch(few)
	fx.EndFanOut() // too few to keep anybody waiting
	fx.Touch(w.connect())
	w.share = w.flushes.Join("other", 1)
	fx.Touch(w.connect())
	if want := []int{worthAnEnd + 1, worthAnEnd + 3}; !slices.Equal(fx.Ends, want) || len(fx.Queued) != worthAnEnd+4 {
		t.Errorf("fan-outs of %d connections end at %v, want %v", len(fx.Queued), fx.Ends, want)
	}
}

// A client that has not been flushed since an earlier hold of the lock has room for a few more events, and for a burst.
func TestOverrun(t *testing.T) {
	t.Parallel()
	w := newWorld()
	l, fx := w.connect(), &w.fx
	push := func(n int) {
		for range n {
			fx.Push(l, &outbox.Delivery{Frame: frame("x"), Policy: realtime.OverflowDisconnect})
		}
	}
	fx.Begin()
	if push(realtime.BurstMessages); fx.Overrun > 0 {
		t.Error("a burst is too much")
	}
	w.flushes.Flush(&w.source, fx.Queued)
	for fx.Overrun == 0 {
		fx.Begin()
		if push(1); l.ahead > maxAhead+aheadFrame {
			t.Fatal("there is no end to it")
		}
	}
	if l.ahead < maxAhead {
		t.Errorf("%d bytes are too much", l.ahead)
	}
	w.flushes.Flush(&w.source, fx.Queued[len(fx.Queued)-1:])
	before := fx.Overrun
	fx.Begin()
	if push(1); fx.Overrun > before {
		t.Error("it has been flushed, and is behind again")
	}
}

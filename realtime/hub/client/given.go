package client

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Given is what is to be done with Clients. Whoever holds the lock takes it and does it.
type Given struct {
	Queued []*schedule.Connection // to be flushed
	Ends   []int                  // of the fan-outs in Queued, but for the last; each is of one tenant
	Closes []Closing
	// Panicked is told that giving a client what is new to it has panicked: its connection cannot go on.
	Panicked func(c *Client, fault any)

	// Overrun counts how often a client that has not been flushed since an earlier hold of the lock has been given as much as may be queued
	// for it before: no more is to be taken in until it was its turn. It is not reset.
	Overrun uint64

	// Steps is what was looked at or moved, one by one: work that could be split.
	Steps int

	hold      uint32           // of the lock: how many there were before
	refilling *Client          // its writer is here, and takes what is queued
	tenant    *schedule.Tenant // of the last of Queued
}

// worthAnEnd is how many connections keep what comes behind them waiting for too long.
const worthAnEnd = 16

// EndFanOut says that what is queued from now on follows from something else, and need not wait for what was queued before.
func (g *Given) EndFanOut() {
	before := 0
	if n := len(g.Ends); n > 0 {
		before = g.Ends[n-1]
	}
	if n := len(g.Queued); n-before > worthAnEnd {
		g.Ends = append(g.Ends, n)
	}
}

// Begin is called at the beginning of each hold of the lock.
func (g *Given) Begin() {
	g.Steps, g.tenant = 0, nil
	g.hold++
}

// Closing is a connection to be closed.
type Closing struct {
	Client *Client
	Err    *realtime.Error // nil if it did not keep up
}

// MostSteps bounds what one hold of the lock does of work that could be split: some hundred
// microseconds. What remains is done in the next one, and deliveries come between.
const MostSteps = 256

// Tired reports whether the lock is to be given to others before more is done.
func (g *Given) Tired() bool { g.Steps++; return g.Steps > MostSteps }

// Push queues a frame for a client, to be flushed. Without the frame its connection cannot go on.
func (g *Given) Push(c *Client, d *outbox.Delivery) (lost int) {
	if d.Frame.IsZero() {
		g.Fail(c)
		return 0
	}
	lost, ok := c.Box.Push(d)
	g.Touch(c)
	c.ahead += max(len(d.Frame.Bytes), aheadFrame)
	if c.ahead > maxAhead && c.marked != g.hold {
		g.Overrun++
	}
	if !ok {
		g.Close(c, nil)
	}
	return lost
}

// Replay queues a frame of what a subscription has missed, or is given at its own pace, to be flushed. It reports whether there was room: if not, the
// rest is asked for by Client.Refill. A frame that is zero ends the connection. The client is touched behind the frame: one that is being flushed
// meanwhile may be done before the frame is there.
func (g *Given) Replay(c *Client, name realtime.Channel, number uint32, f outbox.Frame) bool {
	if f.IsZero() {
		g.Fail(c)
		return true
	}
	room := c.Box.Replay(name, number, f)
	if c != g.refilling {
		g.Touch(c)
	}
	return room
}

// Touch sees to it that a client is flushed, for which something has been queued.
func (g *Given) Touch(c *Client) {
	if c.Schedule.Mark() {
		if t := c.Schedule.Tenant(); t != g.tenant {
			if g.tenant = t; len(g.Queued) > 0 {
				g.Ends = append(g.Ends, len(g.Queued))
			}
		}
		g.Queued = append(g.Queued, &c.Schedule)
		c.marked, c.ahead = g.hold, 0
	}
}

// A queue has room for two bursts at least (realtime.Limits): for one that was delivered and this much, which waits for its turn to be
// written, and for the next.
const (
	maxAhead   = 16 << 10
	aheadFrame = 2 << 10
)

// Close has a connection closed, for a reason; nil if it did not keep up.
func (g *Given) Close(c *Client, err *realtime.Error) {
	g.Closes = append(g.Closes, Closing{c, err})
}

// Fail closes a connection that cannot go on.
func (g *Given) Fail(c *Client) {
	g.Close(c, realtime.Errorf(realtime.CodeInternal, "something went wrong"))
}

package channel

import (
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/turns"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Conn is the connection of a Client, as channels see it.
type Conn interface {
	Tenant() *realtime.Tenant
	Principal() *realtime.Principal
}

// Client is what channels know of a connection: its queue, and the protocol that it speaks.
type Client struct {
	Conn     Conn
	Box      *outbox.Outbox
	Protocol *protocol.Protocol
	Schedule schedule.Connection // its turn to be flushed

	readers atomic.Uint32        // that it has had
	behind  turns.Turns[*Reader] // whose replays wait for room in the Box
	marked  uint32               // Effects.hold when it was last put into Effects.Queued
	ahead   int                  // bytes that were queued since, and aheadFrame at least for each frame
}

// next is whose turn it is of the readers that wait to be given more of what they have missed.
func (c *Client) next() (r *Reader, ok bool) { return c.behind.Next(outbox.Given(c.Box)) }

// wait has a reader given more when its turn has come, and there is room.
func (c *Client) wait(r *Reader) {
	given, atOnce := outbox.Given(c.Box)
	c.behind.Wait(r, given, atOnce)
}

// Effects are what is to be done outside of the channels because of what has happened in them. Frames go to the queue of a
// client at once; all else is gathered here, and whoever holds the lock takes it and does it.
type Effects struct {
	Fences   []*Fence               // to be sent
	Answered []*Question            // that wait no more; their Readers are on the channel
	Moved    bool                   // the readers of a channel have moved from the Set before
	Queued   []*schedule.Connection // to be flushed
	Ends     []int                  // of the fan-outs in Queued, but for the last; each is of one tenant
	Closes   []Closing
	Traced   []Traced // to be reported once written
	Refused  []Refusal
	Idle     []*Reader // that have come by a pattern, and of whose channels nothing is left to be known
	Wheel    *Wheel    // of those who are given more later; it outlives what is carried out
	// Panicked is told that giving a client what is new to it has panicked: its connection cannot go on.
	Panicked func(c *Client, fault any)

	// Unfinished says that Set.Work is to be called.
	Unfinished bool

	// Overrun counts how often a client that has not been flushed since an earlier hold of the lock has been given as much as may be queued
	// for it before: no more is to be taken in until it was its turn. It is not reset.
	Overrun uint64

	// Steps is what was looked at or moved, one by one: work that could be split.
	Steps int

	hold      uint32           // of the lock: how many there were before
	compared  int              // keys, in this one
	refilling *Client          // its writer is here, and takes what is queued
	tenant    *schedule.Tenant // of the last of Queued
}

// worthAnEnd is how many connections keep what comes behind them waiting for too long.
const worthAnEnd = 16

// EndFanOut says that what is queued from now on follows from something else, and need not wait for what was queued before.
func (fx *Effects) EndFanOut() {
	before := 0
	if n := len(fx.Ends); n > 0 {
		before = fx.Ends[n-1]
	}
	if n := len(fx.Queued); n-before > worthAnEnd {
		fx.Ends = append(fx.Ends, n)
	}
}

// Begin is called at the beginning of each hold of the lock.
func (fx *Effects) Begin() {
	fx.Steps, fx.tenant, fx.compared = 0, nil, 0
	fx.hold++
}

// Closing is a connection to be closed.
type Closing struct {
	Client *Client
	Err    *realtime.Error // nil if it did not keep up
}

// Refusal is a question that is to be refused.
type Refusal struct {
	Question *Question
	Err      *realtime.Error
}

// Traced is a Publication that a Tracer follows, between its delivery and the writing.
type Traced struct {
	Trace string
	realtime.Delivered
}

// MostSteps bounds what one hold of the lock does of work that could be split: some hundred
// microseconds. What remains is done in the next one, and deliveries come between.
const MostSteps = 256

// Tired reports whether the lock is to be given to others before more is done.
func (fx *Effects) Tired() bool { fx.Steps++; return fx.Steps > MostSteps }

// Push queues a frame for a client, to be flushed. Without the frame its connection cannot go on.
func (fx *Effects) Push(c *Client, d *outbox.Delivery) (lost int) {
	if d.Frame.IsZero() {
		fx.Fail(c)
		return 0
	}
	lost, ok := c.Box.Push(d)
	fx.Touch(c)
	c.ahead += max(len(d.Frame.Bytes), aheadFrame)
	if c.ahead > maxAhead && c.marked != fx.hold {
		fx.Overrun++
	}
	if !ok {
		fx.Close(c, nil)
	}
	return lost
}

// Replay queues a frame of what a reader has missed, or is given at its own pace, to be flushed. It reports whether there was room: if not, the rest
// is asked for by Client.Refill. A frame that is zero ends the connection. The client is touched behind the frame: one that is being flushed meanwhile may be done before the frame is there.
func (fx *Effects) Replay(r *Reader, f outbox.Frame) bool {
	if f = Framed(r, f); f.IsZero() {
		fx.Fail(r.client)
		return true
	}
	room := r.client.Box.Replay(r.name, r.number, f)
	if r.client != fx.refilling {
		fx.Touch(r.client)
	}
	return room
}

// Touch sees to it that a client is flushed, for which something has been queued.
func (fx *Effects) Touch(c *Client) {
	if c.Schedule.Mark() {
		if t := c.Schedule.Tenant(); t != fx.tenant {
			if fx.tenant = t; len(fx.Queued) > 0 {
				fx.Ends = append(fx.Ends, len(fx.Queued))
			}
		}
		fx.Queued = append(fx.Queued, &c.Schedule)
		c.marked, c.ahead = fx.hold, 0
	}
}

// A queue has room for two bursts at least (realtime.Limits): for one that was delivered and this much, which waits for its turn to be
// written, and for the next.
const (
	maxAhead   = 16 << 10
	aheadFrame = 2 << 10
)

// Close has a connection closed, for a reason; nil if it did not keep up.
func (fx *Effects) Close(c *Client, err *realtime.Error) {
	fx.Closes = append(fx.Closes, Closing{c, err})
}

// Fail closes a connection that cannot go on.
func (fx *Effects) Fail(c *Client) {
	fx.Close(c, realtime.Errorf(realtime.CodeInternal, "something went wrong"))
}

func (fx *Effects) trace(e *delivery, c realtime.Channel, readers int) {
	fx.Traced = append(fx.Traced, Traced{e.trace, realtime.Delivered{
		Channel: c, ID: e.At.ID, Published: time.UnixMilli(e.At.Time), Received: e.received, Queued: time.Now(), Readers: readers,
	}})
}

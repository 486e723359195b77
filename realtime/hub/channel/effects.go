package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/client"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Client is what channels know of a connection.
type Client = client.Client

// MostSteps bounds what one hold of the lock does of work that could be split.
const MostSteps = client.MostSteps

// Effects are what is to be done outside of the channels because of what has happened in them. Frames go to the queue of a
// client at once; all else is gathered here, and whoever holds the lock takes it and does it.
type Effects struct {
	client.Given

	Fences   []*Fence    // to be sent
	Answered []*Question // that wait no more; their Readers are on the channel
	Moved    bool        // the readers of a channel have moved from the Set before
	Traced   []Traced    // to be reported once written
	Refused  []Refusal
	Idle     []*Reader // that have come by a pattern, and of whose channels nothing is left to be known
	Wheel    *Wheel    // of those who are given more later; it outlives what is carried out
	// Unfinished says that Set.Work is to be called.
	Unfinished bool
	// Unhanded says that HandOn is to be called until nothing is left.
	Unhanded bool

	compared int // keys, in this hold of the lock
}

// Begin is called at the beginning of each hold of the lock.
func (fx *Effects) Begin() {
	fx.Given.Begin()
	fx.compared = 0
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

// Replay queues a frame of what a reader has missed, or is given at its own pace; see client.Given.
func (fx *Effects) Replay(r *Reader, f outbox.Frame) bool {
	return fx.Given.Replay(r.client, r.name, r.number, Framed(r, f))
}

func (fx *Effects) trace(e *delivery, c realtime.Channel, readers int) {
	fx.Traced = append(fx.Traced, Traced{e.Trace, realtime.Delivered{
		Channel: c, ID: e.At.ID, Published: time.UnixMilli(e.At.Time), Received: e.Received, Queued: time.Now(), Readers: readers,
	}})
}

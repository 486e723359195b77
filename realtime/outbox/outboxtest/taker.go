package outboxtest

import (
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Taker is a transport of a client that takes everything at once: what a Hub costs without sockets.
type Taker struct {
	box   *outbox.Outbox
	taken *atomic.Int64
}

// NewTaker returns one on a box that adds the frames it takes to taken, which may be shared.
func NewTaker(box *outbox.Outbox, taken *atomic.Int64) *Taker {
	return &Taker{box: box, taken: taken}
}

// Flush takes what is queued.
func (t *Taker) Flush() {
	var few [4][]byte
	for frames := t.box.Start(few[:0], 1<<16); len(frames) > 0; frames = t.box.Next(frames[:0], 1<<16) {
		t.taken.Add(int64(len(frames)))
	}
}

// Beat shows a sign of life.
func (t *Taker) Beat(time.Time) bool { return true }

// Shut ends nothing.
func (t *Taker) Shut(*realtime.Error) {}

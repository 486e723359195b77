package session

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The bounds of a queue. What its worker handles comes on top, once more as much at most.
const (
	maxQueued      = 64      // of one connection
	maxQueuedBytes = 1 << 20 // of them as they came
	// queueWait is how long a client is not read from because its queue is full; then frames are refused.
	queueWait = 5 * time.Second
	// queueLimit is the name of that limit.
	queueLimit = "waitingFrames"
)

// frameQueue holds the frames of one connection that have to wait for something: a
// broker, a hook, a key set. They are handled one after the other, in order, by a goroutine that
// exists only while there are some; the connection's reader goes on and answers pings, and
// stops while the queue is full, so that the client has to wait.
type frameQueue struct {
	mu      sync.Mutex // guards all below
	frames  []queuedFrame
	bytes   int
	running bool
	leaving bool          // the connection is being closed: nothing more is let in
	closed  bool          // it has ended
	room    chan struct{} // closed when there may be room; nil unless somebody waits for it
}

// queuedFrame is a frame, and how long it was as it came.
type queuedFrame struct {
	wire.ClientFrame
	size  int
	after int64 // of a publish: the number of the last refusal before it came
}

// busy reports whether a frame that came now would have to wait.
func (q *frameQueue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running
}

// add puts a frame at the end, and waits for room. It reports whether a worker has to be started, and
// refuses when the queue stays full; before is called before it waits. When ctx ends, or the queue is closed, the frame is given up.
func (q *frameQueue) add(ctx context.Context, f *queuedFrame, before func()) (start bool, err *realtime.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full(f.size) && !q.wait(ctx, f.size, before) {
		return false, &realtime.Error{
			Code: realtime.CodeLimited, Limit: queueLimit, RetryAfter: minRetryAfter,
			Message: "too many frames are waiting for their answers; send more when some have been answered",
		}
	}
	if q.closed || q.leaving || ctx.Err() != nil {
		return false, nil
	}
	q.frames = append(q.frames, *f)
	q.bytes += f.size
	start = !q.running
	q.running = true
	return start, nil
}

// full reports whether there is no room for a frame. One that is larger than the queue has room if it is empty.
func (q *frameQueue) full(size int) bool {
	return !q.closed && !q.leaving && (len(q.frames) >= maxQueued || q.bytes+size > maxQueuedBytes && len(q.frames) > 0)
}

// wait waits for room, and reports false if none comes in time. q.mu is held, but not meanwhile.
func (q *frameQueue) wait(ctx context.Context, size int, before func()) bool {
	before()
	late := time.NewTimer(queueWait)
	defer late.Stop()
	for q.full(size) {
		room := make(chan struct{})
		q.room = room
		q.mu.Unlock()
		select {
		case <-room:
			q.mu.Lock()
		case <-ctx.Done():
			q.mu.Lock()
			return true
		case <-late.C:
			q.mu.Lock()
			return !q.full(size)
		}
	}
	return true
}

// wake lets an add look again. q.mu is held.
func (q *frameQueue) wake() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// next takes the frames to handle next: the first, and if it is a publish those
// that follow it directly. Without any the worker is to end, and if the queue has been closed
// to do before what is left to do then.
func (q *frameQueue) next() (batch []queuedFrame, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		q.running, q.frames = false, nil
		return nil, q.closed
	}
	n := 1
	for q.frames[0].Type == wire.TypePublish && n < len(q.frames) && q.frames[n].Type == wire.TypePublish {
		n++
	}
	batch, q.frames = q.frames[:n:n], q.frames[n:]
	for i := range batch {
		q.bytes -= batch[i].size
	}
	q.wake()
	return batch, false
}

// close gives up what waits and lets nothing in any more. It reports whether a
// worker has to be started for what is left to do: none is running.
func (q *frameQueue) close() (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.frames, q.bytes = true, nil, 0
	q.wake()
	start = !q.running
	q.running = true
	return start
}

// refuse ends the waiting of an add: the connection is being closed.
func (q *frameQueue) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leaving = true
	q.wake()
}

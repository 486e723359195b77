package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The bounds of a line. What its worker handles comes on top, once more as much at most.
const (
	lineFrames = 64      // of one connection
	lineBytes  = 1 << 20 // of them as they came
	// lineWait is how long a client is not read from because its line is full; then frames are refused.
	lineWait = 5 * time.Second
	// lineLimit is the name of that limit.
	lineLimit = "waitingFrames"
)

// line holds the frames of one connection that have to wait for something: a
// broker, a hook, a key set. They are handled one after the other, in order, by a goroutine that
// exists only while there are some; the connection's reader goes on and answers pings, and
// stops while the line is full, so that the client has to wait.
type line struct {
	mu      sync.Mutex // guards all below
	frames  []waitingFrame
	bytes   int
	running bool
	leaving bool          // the connection is being closed: nothing more is let in
	closed  bool          // it has ended
	room    chan struct{} // closed when there may be room; nil unless somebody waits for it
	bars    []bar         // why publishes are refused
	refused int64         // how many publishes were that are worth a retry
}

// waitingFrame is a frame, and how long it was as it came.
type waitingFrame struct {
	wire.ClientFrame
	size int
}

// busy reports whether a frame that came now would have to stand in line.
func (l *line) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// join puts a frame at the end, and waits for room. It reports whether a worker has to be started, and
// refuses when the line stays full. When ctx ends, or the line is closed, the frame is given up.
func (l *line) join(ctx context.Context, f waitingFrame) (start bool, err *realtime.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full(f.size) && !l.wait(ctx, f.size) {
		return false, &realtime.Error{
			Code: realtime.CodeLimited, Limit: lineLimit, RetryAfter: barFor,
			Message: "too many frames are waiting for their answers; send more when some have been answered",
		}
	}
	if l.closed || l.leaving || ctx.Err() != nil {
		return false, nil
	}
	l.frames = append(l.frames, f)
	l.bytes += f.size
	start = !l.running
	l.running = true
	return start, nil
}

// full reports whether there is no room for a frame. One that is larger than the line has room if it is empty.
func (l *line) full(size int) bool {
	return !l.closed && !l.leaving && (len(l.frames) >= lineFrames || l.bytes+size > lineBytes && len(l.frames) > 0)
}

// wait waits for room, and reports false if none comes in time. l.mu is held, but not meanwhile.
func (l *line) wait(ctx context.Context, size int) bool {
	late := time.NewTimer(lineWait)
	defer late.Stop()
	for l.full(size) {
		room := make(chan struct{})
		l.room = room
		l.mu.Unlock()
		select {
		case <-room:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			return true
		case <-late.C:
			l.mu.Lock()
			return !l.full(size)
		}
	}
	return true
}

// wake lets a join look again. l.mu is held.
func (l *line) wake() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

// next takes the frames to handle next: the first, and if it is a publish those
// that follow it directly. Without any the worker is to end, and if the line has been closed
// to do before what is left to do then.
func (l *line) next() (batch []waitingFrame, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.frames) == 0 {
		l.running, l.frames = false, nil
		return nil, l.closed
	}
	n := 1
	for l.frames[0].Type == wire.TypePublish && n < len(l.frames) && l.frames[n].Type == wire.TypePublish {
		n++
	}
	batch, l.frames = l.frames[:n:n], l.frames[n:]
	for i := range batch {
		l.bytes -= batch[i].size
	}
	l.wake()
	return batch, false
}

// close gives up what stands in line and lets nothing in any more. It reports whether a
// worker has to be started for what is left to do: none is running.
func (l *line) close() (start bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.frames, l.bytes = true, nil, 0
	l.wake()
	start = !l.running
	l.running = true
	return start
}

// leave ends the waiting of a join: the connection is being closed.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = true
	l.wake()
}

package gateway

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The bounds of a line.
const (
	lineFrames = 64      // of one connection
	lineBytes  = 1 << 20 // of their data
	lineRetry  = 500 * time.Millisecond
)

// line holds the frames of one connection that have to wait for something: a
// broker, a hook, a key set. They are handled one after the other, in order, by a goroutine that
// exists only while there are some; the connection's reader goes on and answers pings.
type line struct {
	mu      sync.Mutex // guards all below
	frames  []wire.ClientFrame
	bytes   int
	running bool
	closed  bool
}

// busy reports whether a frame that came now would have to stand in line.
func (l *line) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// join puts a frame at the end. It reports whether a worker has to be started, and
// refuses when the line is full.
func (l *line) join(f wire.ClientFrame) (start bool, err *realtime.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, nil
	}
	if len(l.frames) >= lineFrames || l.bytes+len(f.Data) > lineBytes && len(l.frames) > 0 {
		return false, &realtime.Error{
			Code:       realtime.CodeLimited,
			Message:    "too many frames wait for their answers; send the next ones when some have come",
			RetryAfter: lineRetry,
		}
	}
	l.frames = append(l.frames, f)
	l.bytes += len(f.Data)
	start = !l.running
	l.running = true
	return start, nil
}

// next takes the frames to handle next: the first, and if it is a publish those
// that follow it directly. Without any the worker is to end, and if the line has been closed
// to do before what is left to do then.
func (l *line) next() (batch []wire.ClientFrame, closed bool) {
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
		l.bytes -= len(batch[i].Data)
	}
	return batch, false
}

// close gives up what stands in line and lets nothing in any more. It reports whether a
// worker has to be started for what is left to do: none is running.
func (l *line) close() (start bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.frames, l.bytes = true, nil, 0
	start = !l.running
	l.running = true
	return start
}

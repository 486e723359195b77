package socket

import (
	"sync/atomic"
	"time"
)

// liveness knows how long a client has given no sign of life. It is safe for concurrent use.
type liveness struct {
	last    atomic.Int64 // when the client last gave a sign, in nanoseconds since 1970
	partial atomic.Int64 // since when a message has been coming, in nanoseconds since 1970; 0 while none is
}

// heard notes a sign of life: a whole message, a ping or a pong.
func (l *liveness) heard() { l.last.Store(time.Now().UnixNano()) }

// beginMessage and endMessage enclose the receiving of one.
func (l *liveness) beginMessage() { l.partial.Store(time.Now().UnixNano()) }

func (l *liveness) endMessage() {
	l.partial.Store(0)
	l.heard()
}

// silence is how long there has been no sign, or one message has been coming: pongs in between
// keep no message without end alive.
func (l *liveness) silence(now time.Time) time.Duration {
	since := l.last.Load()
	if begun := l.partial.Load(); begun != 0 {
		since = min(since, begun)
	}
	return now.Sub(time.Unix(0, since))
}

package socket

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime/outbox"
)

// drain is a goroutine that writes at the pace of a client who does not take everything at once: it waits until the kernel takes more. On a
// machine with much to do it may wait for its turn long after that. So whoever finds the queue filling up meanwhile helps: a queue
// overflows only if the kernel takes nothing, and not because the goroutine has not run.
type drain struct {
	w *writer
	o *outbox.Outbox

	mu    sync.Mutex // guards what follows, and the writer's half of the stream
	b     *batch     // nobody's once it is over
	chunk int        // bytes that are to be taken until a moment, or the client is too slow
	until time.Time
	over  bool
}

// run writes the rest of the batch and what has been queued since.
func (d *drain) run() {
	defer d.w.contain()
	defer d.w.draining.CompareAndSwap(d, nil)
	for d.next() {
		err := d.w.c.stream.raw.Write(d.attempt)
		if d.ends(err) && d.w.written(d.b, d.b.err) {
			return
		}
	}
}

// next reports whether there is something to be written. If not, somebody else may be the writer by now.
func (d *drain) next() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.over:
		return false
	case len(d.b.rest) > 0:
		if d.chunk == 0 {
			d.begin()
		}
		return true
	}
	_ = d.w.c.stream.Conn.SetWriteDeadline(time.Time{}) // or the next non-blocking write fails; an error comes up in that
	if d.over = !d.w.take(d.o, d.b); d.over {
		d.w.draining.CompareAndSwap(d, nil)
		d.w.c.acceptor.keepBatch(d.b)
		return false
	}
	d.begin()
	return true
}

// begin says until when the next bytes are to be taken. d.mu is held, as it is for all that follows.
func (d *drain) begin() {
	d.chunk = min(len(d.b.rest), maxWrite)
	d.until = time.Now().Add(d.w.c.acceptor.o.WriteTimeout)
	_ = d.w.c.stream.Conn.SetWriteDeadline(d.until) // as above
}

// write writes what the kernel takes. It reports whether that was something.
func (d *drain) write(fd uintptr) bool {
	before := len(d.b.rest)
	d.b.writeAvailable(fd)
	n := before - len(d.b.rest)
	if d.chunk -= n; d.chunk <= 0 && len(d.b.rest) > 0 {
		d.begin()
	}
	return n > 0
}

// attempt is called with the descriptor when it may be writable. It reports whether there is nothing to be waited for.
func (d *drain) attempt(fd uintptr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.b.rest) > 0 && d.b.err == nil {
		d.write(fd)
	}
	return len(d.b.rest) == 0 || d.b.err != nil
}

// ends reports whether the batch has been written, or never will be: err is what waiting has met with.
func (d *drain) ends(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if timedOut(err) && (len(d.b.rest) == 0 || time.Now().Before(d.until)) {
		err = nil // somebody has helped meanwhile
	}
	if d.b.err == nil {
		d.b.err = err
	}
	d.over = d.b.err != nil || len(d.b.rest) == 0 && d.b.last
	return d.over
}

// help writes what the kernel takes, unless the goroutine is about to. It does not wait.
func (d *drain) help() {
	if !d.mu.TryLock() {
		return
	}
	defer d.mu.Unlock()
	if d.over {
		return
	}
	_ = d.w.c.stream.raw.Control(func(fd uintptr) { // it fails only if closed, which the goroutine finds too
		for range maxInlineWrites {
			if d.b.err != nil || len(d.b.rest) == 0 && !d.more() || !d.write(fd) {
				return
			}
		}
	})
}

// more takes more out of the queue.
func (d *drain) more() bool {
	if d.b.last {
		return false
	}
	d.b.frames = outbox.More(d.o, d.b.frames[:0], maxWrite)
	if len(d.b.frames) == 0 {
		return false
	}
	d.w.join(d.b)
	d.begin()
	return true
}

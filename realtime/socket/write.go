package socket

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

const (
	// maxWrite is how many bytes are joined for one write, and have to be taken within
	// Options.WriteTimeout.
	maxWrite = 64 << 10
	// maxInlineWrites is how many writes one Flush makes before a goroutine takes over: others go on
	// queueing meanwhile, and its caller has more clients to serve.
	maxInlineWrites = 4
)

// batch is what is written at once. It is pooled, and write is bound once, so that a
// delivery allocates nothing.
type batch struct {
	frames [][]byte
	joined []byte // frames, if several
	rest   []byte // not yet written
	last   bool   // rest ends with the close frame
	err    error  // of write
	write  func(fd uintptr) bool
}

func newBatch() any {
	b := &batch{}
	b.write = b.writeAvailable
	return b
}

func (a *Acceptor) keepBatch(b *batch) {
	b.rest, b.last, b.err = nil, false, nil
	if cap(b.joined) > 2*maxWrite {
		b.joined = nil
	}
	a.batches.Put(b)
}

// writer writes what the Outbox of a connection holds. Its methods but flush are called by the one goroutine that
// is the writer.
//
// Whoever Outbox.Begin made the writer stays it until Outbox.Next has nothing more, and for
// ever once the close frame is written or a write has failed.
type writer struct {
	c        *Conn
	corked   atomic.Bool           // flush waits for Uncork
	stopped  atomic.Bool           // nothing will be written again
	done     sync.WaitGroup        // until then
	draining atomic.Pointer[drain] // the writer is a goroutine, whom others may help
}

// acceptHandshake answers the handshake when there is nothing to write with it. A new
// connection takes it at once; if it is broken already, reading tells.
func (w *writer) acceptHandshake() {
	s := w.c.stream
	_, _ = s.send(s.handshake, w.c.acceptor.o.WriteTimeout)
	s.handshake = nil
}

// flush makes the caller the writer, unless there is one or the connection is corked.
func (w *writer) flush(o *outbox.Outbox) {
	if w.corked.Load() && !o.Filling() {
		return
	}
	defer w.contain()
	c := w.c
	b := c.acceptor.batches.Get().(*batch)
	if b.frames = o.Start(b.frames[:0], maxWrite); len(b.frames) == 0 {
		c.acceptor.keepBatch(b)
		if d := w.draining.Load(); d != nil && o.Filling() {
			d.help()
		}
		return
	}
	w.join(b)
	for i := 0; i < maxInlineWrites && c.stream.raw != nil; i++ {
		if i > 0 && !w.take(o, b) {
			c.acceptor.keepBatch(b)
			return
		}
		err := c.stream.raw.Write(b.write)
		if err == nil {
			err = b.err
		}
		if len(b.rest) > 0 && err == nil {
			break // the client is slow
		}
		if w.written(b, err) {
			return
		}
	}
	if c.stream.raw == nil {
		go w.send(o, b)
		return
	}
	d := &drain{w: w, o: o, b: b}
	w.draining.Store(d)
	go d.run()
}

// send writes the rest of b and what has been queued since, at the client's pace.
func (w *writer) send(o *outbox.Outbox, b *batch) {
	defer w.contain()
	c := w.c
	for len(b.rest) > 0 || w.take(o, b) {
		var err error
		b.rest, err = c.stream.send(b.rest, c.acceptor.o.WriteTimeout)
		if w.written(b, err) {
			return
		}
	}
	c.acceptor.keepBatch(b)
}

// take puts the next frames in b.rest. It reports false if there are none.
func (w *writer) take(o *outbox.Outbox, b *batch) bool {
	if b.frames = o.Next(b.frames[:0], maxWrite); len(b.frames) == 0 {
		return false // and somebody else may be the writer by now
	}
	w.join(b)
	return true
}

// join makes b.rest of b.frames, of which there are some.
func (w *writer) join(b *batch) {
	c, frames := w.c, b.frames
	for i := 0; i < len(frames) && !b.last; i++ {
		if c.adapter != nil && opcode(frames[i]) < closing {
			frames[i] = c.adapter.Translate(frames[i])
			if len(frames[i]) == 0 {
				continue
			}
		}
		switch op := opcode(frames[i]); {
		case op == pong:
			frames[i] = w.pong()
		case op == closing:
			frames, b.last = frames[:i+1], true // RFC 6455 section 5.5.1: nothing comes after it
		case c.stream.deflates && c.adapter == nil: // what an adapter has made is one client's
			frames[i] = c.acceptor.deflate.frame(frames[i])
		}
	}
	switch handshake := c.stream.handshake; {
	case len(frames) == 1 && handshake == nil:
		b.rest = frames[0]
	default:
		b.joined = append(b.joined[:0], handshake...)
		c.stream.handshake = nil
		for _, f := range frames {
			b.joined = append(b.joined, f...)
		}
		b.rest = b.joined
	}
	clear(b.frames)
}

// written is told how a write ended, and reports whether it was the last: then
// the connection is over for the writer, and b is gone.
func (w *writer) written(b *batch, err error) bool {
	c := w.c
	switch {
	case err != nil:
		if timedOut(err) {
			err = &realtime.Error{Code: realtime.CodeTooSlow, Message: "the client did not read in time", Err: err}
		}
		w.fail(err)
	case b.last:
		c.mu.Lock()
		c.sent = true
		c.mu.Unlock()
		c.readUntil(time.Now().Add(c.acceptor.o.CloseTimeout))
	default:
		return false
	}
	c.acceptor.keepBatch(b)
	w.stop()
	return true
}

// fail ends the connection after a write has failed. It must not block, as closing might: it
// wakes the reading goroutine, which does the rest.
func (w *writer) fail(err error) {
	w.c.begin(websocket.CloseAbnormalClosure, err)
	w.c.outbox.Load().Close()
	w.c.readUntil(time.Unix(1, 0))
}

// stop says that nothing will be written again.
func (w *writer) stop() {
	if !w.stopped.Swap(true) {
		w.done.Done()
	}
}

// pong is the answer to the newest ping.
func (w *writer) pong() []byte {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	f := NewFrame(pong, c.answer)
	c.answer = nil
	return f.Bytes
}

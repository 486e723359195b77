package socket

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

const (
	// mostAtOnce is how many bytes are joined for one write, and have to be taken within
	// Options.WriteTimeout.
	mostAtOnce = 64 << 10
	// mostInPlace is how many writes one Flush makes before a goroutine takes over: others go on
	// queueing meanwhile, and its caller has more clients to serve.
	mostInPlace = 4
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
	if cap(b.joined) > 2*mostAtOnce {
		b.joined = nil
	}
	a.batches.Put(b)
}

// Flush writes what the Outbox holds, as far as the client takes it now; a
// goroutine writes the rest. If somebody is writing already, it goes on with what has been queued since.
//
// Whoever Outbox.Begin made the writer stays it until Outbox.Next has nothing more, and for
// ever once the close frame is written or a write has failed.
func (c *Conn) Flush() {
	o := c.outbox.Load()
	if o == nil || c.corked.Load() && !o.Filling() || !o.Begin() {
		return
	}
	defer c.containWriting()
	b := c.acceptor.batches.Get().(*batch)
	for i := 0; i < mostInPlace && c.stream.raw != nil; i++ {
		if !c.take(o, b) {
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
		if c.written(b, err) {
			return
		}
	}
	go c.drain(o, b)
}

// drain writes the rest of b and what has been queued since, at the client's pace.
func (c *Conn) drain(o *outbox.Outbox, b *batch) {
	defer c.containWriting()
	for len(b.rest) > 0 || c.take(o, b) {
		var err error
		b.rest, err = c.stream.send(b.rest, c.acceptor.o.WriteTimeout)
		if c.written(b, err) {
			return
		}
	}
	c.acceptor.keepBatch(b)
}

// take puts the next frames in b.rest. It reports false if there are none.
func (c *Conn) take(o *outbox.Outbox, b *batch) bool {
	b.frames = o.Next(b.frames[:0], mostAtOnce)
	frames := b.frames
	for i := 0; i < len(frames) && !b.last; i++ {
		switch op := opcode(frames[i]); {
		case op == pong:
			frames[i] = c.pong()
		case op == closing:
			frames, b.last = frames[:i+1], true // RFC 6455 section 5.5.1: nothing comes after it
		case c.stream.deflates:
			frames[i] = c.acceptor.deflate.frame(frames[i])
		}
	}
	if len(frames) == 0 {
		return false // and somebody else may be the writer by now
	}
	switch greeting := c.stream.greeting; {
	case len(frames) == 1 && greeting == nil:
		b.rest = frames[0]
	default:
		b.joined = append(b.joined[:0], greeting...)
		c.stream.greeting = nil
		for _, f := range frames {
			b.joined = append(b.joined, f...)
		}
		b.rest = b.joined
	}
	clear(b.frames)
	return true
}

// written is told how a write ended, and reports whether it was the last: then
// the connection is over for the writer, and b is gone.
func (c *Conn) written(b *batch, err error) bool {
	switch {
	case err != nil:
		if timedOut(err) {
			err = &realtime.Error{Code: realtime.CodeTooSlow, Message: "the client did not read in time", Err: err}
		}
		c.broken(err)
	case b.last:
		c.mu.Lock()
		c.said = true
		c.mu.Unlock()
		c.readUntil(time.Now().Add(c.acceptor.o.CloseTimeout))
	default:
		return false
	}
	c.acceptor.keepBatch(b)
	c.wrote()
	return true
}

package socket

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Handler is told what a client sends and when it is gone. Its methods are called one
// after the other, on a goroutine of the connection.
type Handler interface {
	// Message is called with each text message, which is valid UTF-8. payload is valid until it
	// returns. Nothing more is read meanwhile, so it may hold a client back. An error ends the connection
	// with its close code, after a frame that tells it. It is not called any more once
	// the connection is being closed.
	Message(payload []byte) *realtime.Error
	// Closed is called exactly once, last: nothing is written or read any more. code is the
	// close code of whoever closed first, 1005 if the client gave none, and 1006 if there was no close frame.
	// err is nil if the client closed; a *realtime.Error has the reason, as Shut got it or as
	// the socket found it; any other is a broken connection.
	Closed(code int, err error)
}

// Leaver is a Handler that has something to do before the TCP connection is closed, with which the request ends for the platform.
type Leaver interface {
	Handler
	// Leaving is called once, with what Closed will be told, when nothing is read any more, and nothing written unless the connection is
	// broken. It is closed when Leaving returns.
	Leaving(code int, err error)
}

// BinaryHandler is a Handler for clients that may send binary messages too. Those of
// any other are refused with close code 1003.
type BinaryHandler interface {
	Handler
	// Binary is what Message is for text.
	Binary(payload []byte) *realtime.Error
}

// Adapter stands between a connection and a client of another protocol than the Outbox's frames are made for.
type Adapter interface {
	// Translate returns what is written for a frame with data: frames, or nothing. frame is shared, and not changed. It is called by the writer, for
	// one frame after the other, and does not block.
	Translate(frame []byte) []byte
	// CloseCode is the close code that the client is told instead of one.
	CloseCode(code int) int
}

// Conn is one accepted WebSocket. It is the outbox.Transport of its Outbox, and as
// such safe for concurrent use, as all its methods are but Start.
type Conn struct {
	acceptor *Acceptor
	ws       *websocket.Conn // for reading alone
	stream   *stream
	outbox   atomic.Pointer[outbox.Outbox] // nil until Start
	handler  Handler
	adapter  Adapter      // nil: frames are written as they are
	limit    atomic.Int64 // bytes of a message
	detach   func() bool  // from Start's ctx
	reader   reader
	writer   writer
	liveness liveness

	done sync.WaitGroup // until Handler.Closed has returned

	mu      sync.Mutex      // guards all below
	early   *realtime.Error // Shut before Start
	code    int             // this and cause are settled once closing is true
	cause   error
	answer  []byte // payload of the newest ping, if it was not yet answered
	closing bool   // the end has begun, for the reason in code and cause
	sent    bool   // the close frame is written
	first   bool   // a deadline for the first message stands
}

var _ outbox.Transport = (*Conn)(nil)

// SetReadLimit replaces Options.ReadLimit. It holds from the next message on.
func (c *Conn) SetReadLimit(bytes int64) { c.limit.Store(bytes) }

// Adapt puts an Adapter before the client. It is called before Start.
func (c *Conn) Adapt(a Adapter) { c.adapter = a }

// FirstWithin ends the connection with CodeTimeout unless a message comes within d. It is called before Start.
func (c *Conn) FirstWithin(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first = true
	_ = c.stream.SetReadDeadline(time.Now().Add(d)) // fails only if closed already: reading tells
}

// Start writes what outbox holds and begins to read. It returns at once; h.Closed is called
// when all is over. The end of ctx cuts the connection off: Shut is the polite way. (The context of
// an HTTP request ends when its handler returns, so it will not do here.)
// Start is called exactly once.
func (c *Conn) Start(ctx context.Context, box *outbox.Outbox, h Handler) {
	c.handler = h
	c.liveness.heard()
	c.done.Add(1)
	c.writer.done.Add(1)
	if box.Empty() {
		c.writer.acceptHandshake()
	}
	c.mu.Lock()
	c.outbox.Store(box)
	early := c.early
	c.mu.Unlock()
	if ctx.Done() != nil {
		c.detach = context.AfterFunc(ctx, func() { c.abort(context.Cause(ctx)) })
	}
	if early != nil {
		c.Shut(early)
	}
	c.Flush()
	go c.reader.wait()
}

// Cork lets Flush wait until Uncork, or until the Outbox is half full, so that the answers to input that came together go out together. It is for
// Handler.Message, and for what does not wait for anything: a Conn uncorks itself when it has handled what has come.
func (c *Conn) Cork() { c.writer.corked.Store(true) }

// Uncork ends what Cork began, and writes what has been queued meanwhile.
func (c *Conn) Uncork() {
	if c.writer.corked.Load() {
		c.writer.corked.Store(false)
		c.Flush()
	}
}

// Wait returns when the connection is over and Handler.Closed has returned.
func (c *Conn) Wait() { c.done.Wait() }

// Remote is the address of the other end: the client's, or that of a proxy before it.
func (c *Conn) Remote() string { return c.stream.RemoteAddr().String() }

// Subprotocol is the one that was agreed on, or "".
func (c *Conn) Subprotocol() string { return c.ws.Subprotocol() }

// Beat queues a ping. It answers false if the client has given no sign of life for Options.DeadAfter, or has been sending
// one message for as long: its pongs in between keep no message without end alive.
func (c *Conn) Beat(now time.Time) bool {
	o := c.outbox.Load()
	if o == nil {
		return true
	}
	if c.liveness.silence(now) > c.acceptor.o.DeadAfter {
		return false
	}
	c.control(o, ping)
	return true
}

// control queues a control frame. A client for which too many wait is closed.
func (c *Conn) control(o *outbox.Outbox, op Opcode) {
	if !o.Control(NewFrame(op, nil)) {
		c.refuse(realtime.Errorf(realtime.CodeTooSlow, "the client did not read the control frames that were waiting for it"))
	}
}

// Flush writes what the Outbox holds, as far as the client takes it now; a
// goroutine writes the rest. If somebody is writing already, it goes on with what has been queued since.
func (c *Conn) Flush() {
	if o := c.outbox.Load(); o != nil {
		c.writer.flush(o)
	}
}

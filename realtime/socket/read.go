package socket

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
)

// reader is what the reading goroutine of a connection does and remembers; nobody else calls its methods.
type reader struct {
	c         *Conn
	ignored   int  // messages that came after the end had begun
	finishing bool // finish was called
	left      bool // Leaving was called
}

// wait waits for input. Its stack has to stay small, as an idle connection consists of little
// else; so it answers pings and takes pongs, which is all that an idle client sends, and
// turns to reading, which needs a deep stack, only for more.
func (r *reader) wait() {
	defer r.contain()
	for {
		if err := r.c.stream.await(); err != nil {
			r.finish(err)
			return
		}
		if !r.heartbeats() {
			break
		}
	}
	r.read()
}

// heartbeats takes pings and pongs off the input, and reports whether that was all of it.
func (r *reader) heartbeats() bool {
	for len(r.c.stream.ahead) > 0 {
		op, payload, size := heartbeat(r.c.stream.ahead)
		if size == 0 {
			return false
		}
		if op == ping {
			r.ping(payload)
		} else {
			r.c.liveness.heard()
		}
		r.c.stream.consume(size)
	}
	return true
}

// ping answers a client's ping. A client that pings faster than it reads gets an answer to
// its newest ping alone (RFC 6455 section 5.5.3), so its answers never pile up: the pong
// frame queued here has no payload, and the writer puts the newest one in its place.
func (r *reader) ping(payload []byte) {
	c := r.c
	c.liveness.heard()
	c.mu.Lock()
	unanswered := c.answer != nil
	c.answer = append(c.answer[:0], payload...)
	if c.answer == nil {
		c.answer = []byte{}
	}
	c.mu.Unlock()
	if !unanswered {
		c.control(c.outbox.Load(), pong)
		c.Flush()
	}
}

// read handles messages while there is input. The next wait is a new goroutine's: this one's stack
// has grown, and would stay so.
func (r *reader) read() {
	defer r.contain()
	r.c.stream.takeBuffer()
	for {
		err := r.next()
		if err != nil {
			r.finish(err)
			return
		}
		if r.c.stream.idle() {
			r.c.Uncork()
			r.c.stream.freeBuffer()
			go r.wait()
			return
		}
	}
}

// next handles one message.
func (r *reader) next() error {
	if r.c.stream.closesIncompletely() {
		return &protocolError{websocket.CloseProtocolError, "a close frame with an incomplete code"}
	}
	limit := r.c.limit.Load()
	r.c.ws.SetReadLimit(limit)
	kind, message, err := r.c.ws.NextReader()
	if err == nil {
		err = r.receive(kind, message, limit)
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		return tooLarge(limit)
	}
	return err
}

// protocolError is a violation of RFC 6455 that the parser does not look for.
type protocolError struct {
	code   int
	reason string
}

func (e *protocolError) Error() string { return e.reason }

// receive reads one message and hands it over.
func (r *reader) receive(kind int, message io.Reader, limit int64) error {
	c := r.c
	buf := c.acceptor.messages.Get().(*bytes.Buffer)
	defer c.acceptor.keepMessage(buf)
	c.liveness.beginMessage()
	// The parser counts the bytes received; they may unfold to more.
	if _, err := buf.ReadFrom(io.LimitReader(message, max(limit, limit+1))); err != nil {
		if e := flate.CorruptInputError(0); errors.As(err, &e) {
			return &protocolError{websocket.CloseInvalidFramePayloadData, "a compressed message is damaged"}
		}
		return err
	}
	c.liveness.endMessage()
	if int64(buf.Len()) > limit {
		return websocket.ErrReadLimit
	}
	if !r.arrived() {
		return r.ignore()
	}
	handle := c.handler.Message
	if kind == websocket.BinaryMessage {
		b, ok := c.handler.(BinaryHandler)
		if !ok {
			return &protocolError{websocket.CloseUnsupportedData, "binary messages are not supported; send text"}
		}
		handle = b.Binary
	} else if !utf8.Valid(buf.Bytes()) {
		return &protocolError{websocket.CloseInvalidFramePayloadData, "a text message is not valid UTF-8"}
	}
	if refusal := handle(buf.Bytes()); refusal != nil {
		return refusal
	}
	return nil
}

// arrived lifts the deadline for the first message. It reports whether messages are still wanted.
func (r *reader) arrived() bool {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first && !c.closing {
		c.first = false
		_ = c.stream.Conn.SetReadDeadline(time.Time{}) // fails only if closed already: reading tells
	}
	return !c.closing
}

// maxIgnored is how many messages may still come once the connection is being closed: what was under way.
const maxIgnored = 4096

// ignore is what happens to a message that comes when the connection is being closed. A client that goes on
// for long is not read from any more.
func (r *reader) ignore() error {
	if r.ignored++; r.ignored > maxIgnored {
		return &realtime.Error{Code: realtime.CodeLimited, Message: "messages kept coming after the close frame"}
	}
	return nil
}

// tooLarge is what a message over the limit is answered with.
func tooLarge(limit int64) *realtime.Error {
	return &realtime.Error{
		Code:    realtime.CodeTooLarge,
		Message: fmt.Sprintf("a message must be at most %d bytes; send smaller ones", limit),
		Limit:   "messageBytes",
	}
}

func newMessageBuffer() any { return new(bytes.Buffer) }

// keepMessage keeps the buffer for another message unless it has grown large.
func (a *Acceptor) keepMessage(b *bytes.Buffer) {
	if b.Cap() <= maxWrite {
		b.Reset()
		a.messages.Put(b)
	}
}

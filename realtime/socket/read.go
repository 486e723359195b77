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

// wait waits for input. Its stack has to stay small, as an idle connection consists of little
// else; so it answers pings and takes pongs, which is all that an idle client sends, and
// turns to reading, which needs a deep stack, only for more.
func (c *Conn) wait() {
	defer c.containReading()
	for {
		if err := c.stream.await(); err != nil {
			c.finish(err)
			return
		}
		if !c.heartbeats() {
			break
		}
	}
	c.read()
}

// heartbeats takes pings and pongs off the input, and reports whether that was all of it.
func (c *Conn) heartbeats() bool {
	for len(c.stream.ahead) > 0 {
		op, payload, size := heartbeat(c.stream.ahead)
		if size == 0 {
			return false
		}
		if op == ping {
			c.ping(payload)
		} else {
			c.alive()
		}
		c.stream.consume(size)
	}
	return true
}

// read handles messages while there is input. The next wait is a new goroutine's: this one's stack
// has grown, and would stay so.
func (c *Conn) read() {
	defer c.containReading()
	c.stream.lend()
	for {
		err := c.next()
		if err != nil {
			c.finish(err)
			return
		}
		if c.stream.idle() {
			c.Uncork()
			c.stream.takeBack()
			go c.wait()
			return
		}
	}
}

// next handles one message.
func (c *Conn) next() error {
	if c.stream.stump() {
		return &breach{websocket.CloseProtocolError, "a close frame with an incomplete code"}
	}
	limit := c.limit.Load()
	c.ws.SetReadLimit(limit)
	kind, r, err := c.ws.NextReader()
	if err == nil {
		err = c.receive(kind, r, limit)
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		return tooLarge(limit)
	}
	return err
}

// breach is what a client did against RFC 6455 that the parser does not look for.
type breach struct {
	code   int
	reason string
}

func (b *breach) Error() string { return b.reason }

// receive reads one message and hands it over.
func (c *Conn) receive(kind int, r io.Reader, limit int64) error {
	buf := c.acceptor.messages.Get().(*bytes.Buffer)
	defer c.acceptor.keepMessage(buf)
	c.partial.Store(time.Now().UnixNano())
	// The parser counts the bytes received; they may unfold to more.
	if _, err := buf.ReadFrom(io.LimitReader(r, max(limit, limit+1))); err != nil {
		if e := flate.CorruptInputError(0); errors.As(err, &e) {
			return &breach{websocket.CloseInvalidFramePayloadData, "a compressed message is damaged"}
		}
		return err
	}
	c.partial.Store(0)
	c.alive()
	if int64(buf.Len()) > limit {
		return websocket.ErrReadLimit
	}
	if !c.arrived() {
		return c.ignore()
	}
	handle := c.handler.Message
	if kind == websocket.BinaryMessage {
		b, ok := c.handler.(BinaryHandler)
		if !ok {
			return &breach{websocket.CloseUnsupportedData, "binary messages are not supported; send text"}
		}
		handle = b.Binary
	} else if !utf8.Valid(buf.Bytes()) {
		return &breach{websocket.CloseInvalidFramePayloadData, "a text message is not valid UTF-8"}
	}
	if refusal := handle(buf.Bytes()); refusal != nil {
		return refusal
	}
	return nil
}

// arrived lifts the deadline for the first message. It reports whether messages are still wanted.
func (c *Conn) arrived() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first && !c.closing {
		c.first = false
		_ = c.stream.Conn.SetReadDeadline(time.Time{}) // fails only if closed already: reading tells
	}
	return !c.closing
}

// mostIgnored is how many messages may still come once the connection is being closed: what was under way.
const mostIgnored = 4096

// ignore is what happens to a message that comes when the connection is being closed. A client that goes on
// for long is not read from any more.
func (c *Conn) ignore() error {
	if c.ignored++; c.ignored > mostIgnored {
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
	if b.Cap() <= mostAtOnce {
		b.Reset()
		a.messages.Put(b)
	}
}

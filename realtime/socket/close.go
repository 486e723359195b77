package socket

import (
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
)

// Shut begins the closing handshake with the close code of err and returns. What the control lane holds
// is written before. The client has Options.WriteTimeout to take it and Options.CloseTimeout to answer.
func (c *Conn) Shut(err *realtime.Error) {
	c.mu.Lock()
	if c.outbox.Load() == nil {
		if c.early == nil {
			c.early = err
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.end(err.Code.Meaning().Close, err.Message, err)
}

// Cut ends the connection without a word, for a client that is not worth one. Handler.Closed is told of err.
func (c *Conn) Cut(err *realtime.Error) {
	if c.outbox.Load() == nil {
		c.Shut(err) // Start, which is under way, ends it
		return
	}
	c.abort(err)
}

// refuse ends the connection for a reason that the socket found or the Handler gave.
func (c *Conn) refuse(err *realtime.Error) {
	c.outbox.Load().CloseFor(err) // unless the owner has told the client already
	c.Shut(err)
}

// abort ends the connection without a word.
func (c *Conn) abort(err error) {
	c.begin(websocket.CloseAbnormalClosure, err)
	c.stream.abort(timedOut(err))
	c.sendClose(websocket.CloseAbnormalClosure, "") // fails, and so ends the writing
}

// end ends the connection with a close frame. Only the first reason counts.
func (c *Conn) end(code int, reason string, cause error) {
	if c.begin(code, cause) {
		c.sendClose(code, reason)
	}
}

// begin begins the end, unless it has begun. Reading goes on for as long as the client may take to
// receive and answer a close frame.
func (c *Conn) begin(code int, cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.closing, c.code, c.cause = true, code, cause
	_ = c.stream.SetReadDeadline(time.Now().Add(c.acceptor.o.WriteTimeout + c.acceptor.o.CloseTimeout)) // fails only if closed already
	return true
}

func (c *Conn) readUntil(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.stream.SetReadDeadline(t) // fails only if closed already
}

func (c *Conn) sendClose(code int, reason string) {
	if c.adapter != nil {
		code = c.adapter.CloseCode(code)
	}
	o := c.outbox.Load()
	o.Close()
	o.Last(NewFrame(closing, closePayload(code, reason)))
	c.Flush()
}

// closePayload is the payload of a close frame (RFC 6455 section 5.5.1).
func closePayload(code int, reason string) []byte {
	if code == websocket.CloseNoStatusReceived {
		return nil // it stands for a frame without a code
	}
	reason = strings.ToValidUTF8(reason, "?")
	if most := maxControl - 2; len(reason) > most {
		for most > 0 && !utf8.RuneStart(reason[most]) {
			most--
		}
		reason = reason[:most]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// timedOut reports whether a deadline has passed. The parser does not pass on os.ErrDeadlineExceeded.
func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func badRequest(reason string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: reason}
}

func (c *Conn) state() (closing, sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing, c.sent
}

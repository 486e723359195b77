package socket

import (
	"encoding/binary"
	"errors"
	"os"
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

// refuse ends the connection for a reason that the socket found or the Handler gave.
func (c *Conn) refuse(err *realtime.Error) {
	if e := c.acceptor.o.Encoder; e != nil {
		c.outbox.Load().Close(e.Closing(err)) // unless the owner has told the client already
	}
	c.Shut(err)
}

// abort ends the connection without a word.
func (c *Conn) abort(err error) {
	c.begin(websocket.CloseAbnormalClosure, err)
	c.stream.cut(errors.Is(err, os.ErrDeadlineExceeded))
	c.sendClose(websocket.CloseAbnormalClosure, "") // fails, and so ends the writing
}

// broken is abort for the writer, whose write has failed. It must not block.
func (c *Conn) broken(err error) {
	c.begin(websocket.CloseAbnormalClosure, err)
	c.outbox.Load().Close()
	c.mu.Lock()
	c.deaf = true
	c.mu.Unlock()
	_ = c.stream.Conn.SetReadDeadline(time.Unix(1, 0)) // the reading goroutine does the rest; closing might block
}

// end ends the connection with a close frame. Only the first reason counts.
func (c *Conn) end(code int, reason string, cause error) {
	if c.begin(code, cause) {
		o := &c.acceptor.o
		_ = c.stream.Conn.SetReadDeadline(time.Now().Add(o.WriteTimeout + o.CloseTimeout)) // fails only if closed already
		c.sendClose(code, reason)
	}
}

func (c *Conn) begin(code int, cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.closing, c.code, c.cause = true, code, cause
	return true
}

func (c *Conn) sendClose(code int, reason string) {
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

// finish is the end of reading, and so of the connection.
func (c *Conn) finish(err error) {
	c.settle(err)
	c.writes.Wait()
	c.mu.Lock()
	code, cause, deaf := c.code, c.cause, c.deaf
	c.mu.Unlock()
	if deaf {
		c.stream.cut(true)
	} else {
		c.stream.hangUp(c.acceptor.o.CloseTimeout)
	}
	if c.detach != nil {
		c.detach()
	}
	c.handler.Closed(code, cause)
	c.done.Done()
}

// settle ends the connection as err, for which nothing more can be read, asks for; unless
// the end has begun already.
func (c *Conn) settle(err error) {
	var (
		left    *websocket.CloseError
		refusal *realtime.Error
		wrong   *breach
	)
	switch {
	case errors.As(err, &left) && left.Code != websocket.CloseAbnormalClosure:
		c.end(left.Code, "", nil) // the answer has the client's own code
	case errors.As(err, &refusal):
		c.refuse(refusal)
	case errors.Is(err, websocket.ErrReadLimit):
		c.refuse(c.tooLarge())
	case errors.As(err, &wrong):
		c.end(wrong.code, wrong.reason, badRequest(wrong.reason))
	case c.stream.complaint != nil:
		reason := string(c.stream.complaint[2:])
		c.end(websocket.CloseProtocolError, reason, badRequest("breach of RFC 6455: "+reason))
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.isClosing():
		c.refuse(realtime.Errorf(realtime.CodeTimeout, "no message came in time; send one after connecting"))
	default:
		c.abort(err)
	}
}

func badRequest(reason string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: reason}
}

func (c *Conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

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
	c.stream.cut(timedOut(err))
	c.sendClose(websocket.CloseAbnormalClosure, "") // fails, and so ends the writing
}

// broken is abort for the writer, whose write has failed. It must not block, as closing might: it
// wakes the reading goroutine, which does the rest.
func (c *Conn) broken(err error) {
	c.begin(websocket.CloseAbnormalClosure, err)
	c.outbox.Load().Close()
	c.readUntil(time.Unix(1, 0))
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
	c.finishing = true
	c.Uncork()
	defer c.done.Done()
	defer func() { c.handler.Closed(c.code, c.cause) }()
	c.settle(err)
	enough := time.AfterFunc(c.acceptor.o.WriteTimeout, func() { c.stream.cut(true) })
	c.writes.Wait()
	enough.Stop()
	c.leave()
	if _, said := c.state(); said {
		c.stream.hangUp()
	} else {
		c.stream.cut(true)
	}
	if c.detach != nil {
		c.detach()
	}
}

// settle ends the connection as err, for which nothing more can be read, asks for; unless
// the end has begun already.
func (c *Conn) settle(err error) {
	var (
		left    *websocket.CloseError
		refusal *realtime.Error
		wrong   *breach
	)
	closing, said := c.state()
	switch {
	case errors.As(err, &left) && left.Code != websocket.CloseAbnormalClosure:
		c.end(left.Code, "", nil) // the answer has the client's own code
	case errors.As(err, &refusal):
		c.refuse(refusal)
	case errors.As(err, &wrong):
		c.end(wrong.code, wrong.reason, badRequest(wrong.reason))
	case c.stream.complaint != "":
		reason := c.stream.complaint[2:]
		c.end(websocket.CloseProtocolError, reason, badRequest("violation of RFC 6455: "+reason))
	case timedOut(err) && said:
		// The client has the close frame and does not answer.
	case timedOut(err) && !closing:
		c.refuse(realtime.Errorf(realtime.CodeTimeout, "no message arrived in time; send one after connecting"))
	default:
		c.begin(websocket.CloseAbnormalClosure, err)
		c.leave() // aborting closes
		c.abort(err)
	}
}

// leave tells the Handler, once, that the connection is about to be closed.
func (c *Conn) leave() {
	if l, ok := c.handler.(Leaver); ok && !c.left {
		c.left = true
		l.Leaving(c.code, c.cause)
	}
}

// timedOut reports whether a deadline has passed. The parser does not pass on os.ErrDeadlineExceeded.
func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func badRequest(reason string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: reason}
}

func (c *Conn) state() (closing, said bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing, c.said
}

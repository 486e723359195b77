package socket

import (
	"errors"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
)

// finish is the end of reading, and so of the connection.
func (r *reader) finish(err error) {
	c := r.c
	r.finishing = true
	c.Uncork()
	defer c.done.Done()
	defer func() { c.handler.Closed(c.code, c.cause) }()
	r.settle(err)
	enough := time.AfterFunc(c.acceptor.o.WriteTimeout, func() { c.stream.abort(true) })
	c.writer.done.Wait()
	enough.Stop()
	r.leave()
	if _, sent := c.state(); sent {
		c.stream.finish()
	} else {
		c.stream.abort(true)
	}
	if c.detach != nil {
		c.detach()
	}
}

// settle ends the connection as err, for which nothing more can be read, asks for; unless
// the end has begun already.
func (r *reader) settle(err error) {
	c := r.c
	var (
		left    *websocket.CloseError
		refusal *realtime.Error
		wrong   *protocolError
	)
	closing, sent := c.state()
	switch {
	case errors.As(err, &left) && left.Code != websocket.CloseAbnormalClosure:
		c.end(left.Code, "", nil) // the answer has the client's own code
	case errors.As(err, &refusal):
		c.refuse(refusal)
	case errors.As(err, &wrong):
		c.end(wrong.code, wrong.reason, badRequest(wrong.reason))
	case c.stream.violation != "":
		reason := c.stream.violation[2:]
		c.end(websocket.CloseProtocolError, reason, badRequest("violation of RFC 6455: "+reason))
	case timedOut(err) && sent:
		// The client has the close frame and does not answer.
	case timedOut(err) && !closing:
		c.refuse(realtime.Errorf(realtime.CodeTimeout, "no message arrived in time; send one after connecting"))
	default:
		c.begin(websocket.CloseAbnormalClosure, err)
		r.leave() // aborting closes
		c.abort(err)
	}
}

// leave tells the Handler, once, that the connection is about to be closed.
func (r *reader) leave() {
	if l, ok := r.c.handler.(Leaver); ok && !r.left {
		r.left = true
		l.Leaving(r.c.code, r.c.cause)
	}
}

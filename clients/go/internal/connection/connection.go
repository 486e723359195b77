// Package connection keeps a client connected: one link that comes back when it is lost, moves without a break when the server asks for that, and
// has a token that is renewed in time.
package connection

import (
	"context"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/loop"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Options say how to connect. The fields are those of the client's Options; URL is that of the socket.
type Options struct {
	URL            string
	Token          func(ctx context.Context) (string, error)
	Header         http.Header
	ConnectTimeout time.Duration
	Once           bool
	Dial           func(ctx context.Context, url string, header http.Header) (link.Conn, error)
}

// Dial opens a WebSocket to a gateway.
func Dial(ctx context.Context, url string, header http.Header) (link.Conn, error) {
	c, err := socket.Dial(ctx, url, header, wire.Subprotocol)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Owner is what a Connection is for. The loop calls it.
type Owner interface {
	// Take is given each frame of a link; welcomes, orders to move and errors about nothing else are handed to the Connection.
	Take(l *link.Link, f *wire.ServerFrame, raw []byte)
	// Greet completes the connect frame, which asks for no channels if bare: something that was sent has stopped the last links.
	Greet(l *link.Link, hello *wire.ClientFrame, bare bool)
	// Use is told which link requests are sent on from now on. It is open.
	Use(l *link.Link)
	// Left is told that a link owes nothing any more that was replaced, or is lost: answers come by the one in use alone.
	Left()
	// Stayed is told that a move has failed: what was read from the next link is to be asked for again.
	Stayed()
	// Connecting and Waiting tell what there is instead of a link, and why; nil is the first time.
	Connecting(why error)
	Waiting(until time.Time, why error)
}

// Connection has the links of a client: one, except while it moves. It belongs to the loop.
type Connection struct {
	o       Options
	loop    *loop.Loop
	owner   Owner
	tokens  tokens
	retries retries

	count   int        // links that were opened
	live    *link.Link // that channels are asked and requests are sent on
	next    *link.Link // that is to replace it
	leaving *link.Link // that was replaced, and owes answers
	timer   *time.Timer
	dialing bool
	quick   int   // orders to move from links that had just been opened, one after the other
	why     error // there was no link when it was last tried
	ever    bool  // a link was open
}

// New returns a Connection that Connect connects.
func New(o Options, on *loop.Loop, owner Owner) *Connection {
	return &Connection{o: o, loop: on, owner: owner}
}

// Live is the link in use, nil if there is none that is open.
func (c *Connection) Live() *link.Link {
	if c.live == nil || !c.live.IsOpen() {
		return nil
	}
	return c.live
}

// Newest is the link that channels are asked for on: the next one while the client moves. It is nil if none is open.
func (c *Connection) Newest() *link.Link {
	if c.next != nil && c.next.IsOpen() {
		return c.next
	}
	return c.Live()
}

// Links are all that there are.
func (c *Connection) Links() (all []*link.Link) {
	for _, l := range []*link.Link{c.live, c.next, c.leaving} {
		if l != nil {
			all = append(all, l)
		}
	}
	return all
}

// Tries is how many there were since the last link that lived for some seconds.
func (c *Connection) Tries() int { return c.retries.count }

// End drops all links, and stops.
func (c *Connection) End(why error) {
	c.retries.stop()
	c.tokens.stop()
	for _, l := range c.Links() {
		l.Drop(why)
	}
	c.live, c.next, c.leaving = nil, nil, nil
}

// Start connects for the first time, unless it has begun to.
func (c *Connection) Start() {
	if c.count == 0 {
		c.connect()
	}
}

// connect tries to connect, when there is no link.
func (c *Connection) connect() {
	if c.dialing {
		return
	}
	c.dialing = true
	c.owner.Connecting(c.why)
	c.dial(func(d dialed) {
		c.dialing = false
		if d.err != nil {
			if d.stop && c.why != nil { // what the server has said of the last token
				c.loop.End(c.why)
				return
			}
			c.retry(d.err, d.stop)
			return
		}
		c.live = c.greet(d)
	})
}

// greet sends the first frame, with the channels and where they stand.
func (c *Connection) greet(d dialed) *link.Link {
	c.count++
	l := link.Start(c.count, d.conn, c.loop, c)
	hello := &wire.ClientFrame{Type: wire.TypeConnect, Token: d.token}
	c.owner.Greet(l, hello, c.retries.bare)
	l.Hello(hello, c.o.ConnectTimeout)
	return l
}

// Take gives a frame to the owner.
func (c *Connection) Take(l *link.Link, f *wire.ServerFrame, raw []byte) {
	c.owner.Take(l, f, raw)
	c.arrive(l)
	c.leave(l, false)
}

// Welcomed takes a welcome, and reports whether the link is open by it.
func (c *Connection) Welcomed(l *link.Link, f *wire.ServerFrame) bool {
	if !l.Open(f) {
		return false
	}
	c.tokens.took(l.Token)
	c.planRenewal(f.ExpiresAt)
	if l == c.live {
		c.use()
	}
	return true
}

// use says that the live link is the one that is used.
func (c *Connection) use() {
	c.ever, c.why = true, nil
	c.owner.Use(c.live)
}

// closesWithin is how soon a close frame follows the error that gives its reason.
const closesWithin = time.Second

// Told takes an error that is about neither a frame nor a channel.
func (c *Connection) Told(l *link.Link, why *realtime.Error) {
	l.Tell(why)
	if !l.IsOpen() {
		return
	}
	c.loop.After(closesWithin, func() { // the connection has stayed: it is the answer to all that the connect frame has asked for
		if !l.Over() {
			l.RefuseFirst(why)
			c.arrive(l)
		}
	})
	if c.o.Once {
		c.loop.End(why)
	}
}

// Lost is told of a link that has ended.
func (c *Connection) Lost(l *link.Link, why *realtime.Error) {
	if why.Code.Meaning().Advice == realtime.AdviceNewToken {
		c.tokens.refused = true
	}
	switch l {
	case c.leaving:
		c.leaving = nil
		c.owner.Left()
	case c.next:
		c.next = nil
		if c.live != nil { // stay, and try again
			c.owner.Stayed()
			c.planMove(c.retries.moveAgain())
			return
		}
		c.retry(why, false)
	case c.live:
		c.live = nil
		if l.IsOpen() {
			c.retries.lived(time.Since(l.Opened))
		}
		if n := c.next; n != nil {
			c.next = nil
			if c.live = n; !n.IsOpen() {
				c.why = why
				c.owner.Connecting(why)
				return
			}
			c.use()
			return
		}
		c.retry(why, false)
	}
}

// retry connects again later, or gives up.
func (c *Connection) retry(why *realtime.Error, final bool) {
	d, again := c.retries.wait(why)
	// A client that was never connected had better say so: nobody runs it yet.
	if c.o.Once || !again || final || !c.ever && why.Code.Meaning().Advice == realtime.AdviceStop {
		c.loop.End(why)
		return
	}
	c.why = why
	c.owner.Waiting(time.Now().Add(d), why)
	c.retries.stop()
	c.retries.timer = c.loop.After(d, c.connect)
}

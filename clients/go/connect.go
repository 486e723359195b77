package tidewire

import (
	"context"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// dialSocket opens a WebSocket to a gateway.
func dialSocket(ctx context.Context, url string, header http.Header) (conn, error) {
	c, err := socket.Dial(ctx, url, header, wire.Subprotocol)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// links are the WebSockets of a Client: one, except while it moves.
type links struct {
	count   int
	live    *link       // that channels are asked and requests are sent on
	next    *link       // that is to replace it
	leaving *link       // that was replaced, and owes answers
	timer   *time.Timer // of the move
	dialing bool
	quick   int // orders to move from links that had just been opened, one after the other
}

func (a *links) all() (all []*link) {
	for _, l := range []*link{a.live, a.next, a.leaving} {
		if l != nil {
			all = append(all, l)
		}
	}
	return all
}

// connect tries to connect, when there is no link.
func (c *Client) connect() {
	if c.links.dialing {
		return
	}
	c.links.dialing = true
	c.set(State{Phase: PhaseConnecting, Err: c.state.Err})
	c.dial(func(d dialed) {
		c.links.dialing = false
		if d.err != nil {
			if d.stop && c.state.Err != nil { // what the server has said of the last token
				c.fail(c.state.Err)
				return
			}
			c.retry(d.err, d.stop)
			return
		}
		c.links.live = c.greet(d)
	})
}

// greet sends the first frame, with the channels and where they stand.
func (c *Client) greet(d dialed) *link {
	l := c.start(d.conn)
	hello := &wire.ClientFrame{Type: wire.TypeConnect, Token: d.token, MaxBytesPerSecond: c.o.MaxBytesPerSecond}
	if !c.retries.bare {
		c.askFirst(l, hello)
	}
	l.request(hello, func(_ *wire.ServerFrame, err error) {
		if err != nil && !l.over { // about the frame; the close frame follows
			l.told = asError(err)
		}
	})
	l.hello = hello.ID
	token := d.token
	timer := c.after(c.o.ConnectTimeout, func() {
		if l.opened.IsZero() {
			l.lost(context.DeadlineExceeded)
		}
	})
	l.welcomed = func() {
		timer.Stop()
		c.tokens.took(token)
		c.planRenewal(l.welcome.ExpiresAt)
	}
	return l
}

// lost is told of a link that has ended.
func (c *Client) lost(l *link, why *realtime.Error) {
	if why.Code.Meaning().Advice == realtime.AdviceNewToken {
		c.tokens.refused = true
	}
	switch l {
	case c.links.leaving:
		c.links.leaving = nil
		c.out.moved()
	case c.links.next:
		c.links.next = nil
		if c.links.live != nil { // stay, and try again
			for _, f := range c.feeds {
				if f.link == nil || f.link.over {
					f.ask()
				}
			}
			c.planMove(c.retries.moveAgain())
			return
		}
		c.retry(why, false)
	case c.links.live:
		c.links.live = nil
		if !l.opened.IsZero() {
			c.retries.lived(time.Since(l.opened))
		}
		if n := c.links.next; n != nil {
			c.links.next = nil
			if c.links.live = n; n.opened.IsZero() {
				c.set(State{Phase: PhaseConnecting, Err: why})
				return
			}
			c.out.use(n)
			c.setLive(n)
			return
		}
		c.retry(why, false)
	}
}

// retry connects again later, or gives up.
func (c *Client) retry(why *realtime.Error, final bool) {
	d, again := c.retries.wait(why)
	if c.o.Once || !again || final || c.hopeless(why) {
		c.fail(why)
		return
	}
	c.set(State{Phase: PhaseWaiting, Err: why, Until: time.Now().Add(d)})
	c.retries.stop()
	c.retries.timer = c.after(d, c.connect)
}

// hopeless reports whether a Client that was never connected had better say so: nobody runs it yet.
func (c *Client) hopeless(why *realtime.Error) bool {
	select {
	case <-c.live:
		return false
	default:
		return why.Code.Meaning().Advice == realtime.AdviceStop
	}
}

// setLive says that a link is the one that is used.
func (c *Client) setLive(l *link) {
	w := &l.welcome
	c.set(State{Phase: PhaseLive, Connection: w.Connection, Instance: w.Instance, User: w.User, Tenant: w.Tenant, Version: w.Version})
	select {
	case <-c.live:
	default:
		close(c.live)
	}
	waiting := c.waiting
	c.waiting = nil
	for _, q := range waiting {
		c.sendOnce(q)
	}
}

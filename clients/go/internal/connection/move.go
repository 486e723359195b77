package connection

import (
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
)

const (
	// moveWithin is how long the channels may take to be answered on the next link, and then the answers on the one before.
	moveWithin = 30 * time.Second
	// moveMost is the longest delay that is believed of a server.
	moveMost = 10 * time.Minute
)

// Move obeys an order to move, unless it comes from a link that is none to move from.
func (c *Connection) Move(l *link.Link, afterMs int64) {
	if l == c.live {
		c.planMove(time.Duration(verdict.Bounded(afterMs, 0, verdict.MaxWaitMs)) * time.Millisecond)
	}
}

// planMove opens another link after a delay, and leaves the one that there is when that carries everything.
func (c *Connection) planMove(after time.Duration) {
	if c.next != nil || c.timer != nil || c.dialing {
		return
	}
	from := c.live
	if time.Since(from.Opened) > stable {
		c.quick = 0
	} else { // one order after the other is a fault, and must not become a storm
		after += min(time.Second<<min(c.quick, 5), backoffMost)
		c.quick++
	}
	c.timer = c.loop.After(min(after, moveMost), func() {
		c.timer = nil
		if c.live != from || c.dialing {
			return
		}
		c.dialing = true
		c.dial(func(d dialed) { c.moving(d, from) })
	})
}

func (c *Connection) moving(d dialed, from *link.Link) {
	c.dialing = false
	switch {
	case d.err != nil && c.live == nil:
		c.retry(d.err, d.stop)
	case d.err != nil:
		c.planMove(c.retries.moveAgain())
	case c.live == nil: // it was lost meanwhile
		c.live = c.greet(d)
	case c.live != from:
		_ = d.conn.Close() // another one has come
	default:
		l := c.greet(d)
		c.next = l
		c.loop.After(moveWithin, func() { c.moved(l) })
	}
}

// arrive is called when something was answered on a link: the move is over when all was.
func (c *Connection) arrive(l *link.Link) {
	if l == c.next && l.IsOpen() && l.Asked == 0 {
		c.moved(l)
	}
}

// moved uses the next link for everything. The one before is closed when it owes no answer.
func (c *Connection) moved(l *link.Link) {
	if l != c.next || !l.IsOpen() {
		return
	}
	old := c.live
	c.live, c.next = l, nil
	if c.leaving != nil {
		c.leaving.Drop(link.ErrLost)
	}
	c.leaving = old
	c.retries.lived(time.Since(old.Opened))
	c.use()
	c.loop.After(moveWithin, func() { c.leave(old, true) })
	c.leave(old, false)
	c.owner.Left()
}

// leave closes a link that was replaced, when it owes nothing or the time is up.
func (c *Connection) leave(old *link.Link, now bool) {
	if c.leaving != old || !now && old.Owes() {
		return
	}
	c.leaving = nil
	old.Drop(link.ErrLost)
	c.owner.Left()
}

// moveAgain is when a move that failed is tried again.
func (r *retries) moveAgain() time.Duration {
	r.count++
	return min(time.Second<<min(r.count, 5), backoffMost)
}

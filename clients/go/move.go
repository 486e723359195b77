package tidewire

import "time"

const (
	// moveWithin is how long the channels may take to be answered on the next link, and then the answers on the one before.
	moveWithin = 30 * time.Second
	// moveMost is the longest delay that is believed of a server.
	moveMost = 10 * time.Minute
)

// planMove opens another link after a delay, and leaves the one that there is when that carries everything.
func (c *Client) planMove(after time.Duration) {
	if c.links.next != nil || c.links.timer != nil || c.links.dialing {
		return
	}
	from := c.links.live
	if time.Since(from.opened) > stable {
		c.links.quick = 0
	} else { // one order after the other is a fault, and must not become a storm
		after += min(time.Second<<min(c.links.quick, 5), backoffMost)
		c.links.quick++
	}
	c.links.timer = c.after(min(after, moveMost), func() {
		c.links.timer = nil
		if c.links.live != from || c.links.dialing {
			return
		}
		c.links.dialing = true
		c.dial(func(d dialed) { c.moving(d, from) })
	})
}

func (c *Client) moving(d dialed, from *link) {
	c.links.dialing = false
	switch {
	case d.err != nil && c.links.live == nil:
		c.retry(d.err, d.stop)
	case d.err != nil:
		c.planMove(c.retries.moveAgain())
	case c.links.live == nil: // it was lost meanwhile
		c.links.live = c.greet(d)
	case c.links.live != from:
		_ = d.conn.Close() // another one has come
	default:
		l := c.greet(d)
		c.links.next = l
		c.after(moveWithin, func() { c.moved(l) })
	}
}

// arrive is called when something was answered on a link: the move is over when all was.
func (c *Client) arrive(l *link) {
	if l == c.links.next && !l.opened.IsZero() && l.asked == 0 {
		c.moved(l)
	}
}

// moved uses the next link for everything. The one before is closed when it owes no answer.
func (c *Client) moved(l *link) {
	if l != c.links.next || l.opened.IsZero() {
		return
	}
	old := c.links.live
	c.links.live, c.links.next = l, nil
	if c.links.leaving != nil {
		c.links.leaving.drop(ErrLost)
	}
	c.links.leaving = old
	c.retries.lived(time.Since(old.opened))
	c.setLive(l)
	c.after(moveWithin, func() { c.leave(old, true) })
	c.leave(old, false)
	c.out.moved()
}

// leave closes a link that was replaced, when it owes nothing or the time is up.
func (c *Client) leave(old *link, now bool) {
	if c.links.leaving != old || !now && len(old.open) > 0 {
		return
	}
	c.links.leaving = nil
	old.drop(ErrLost)
	c.out.moved()
}

// moveAgain is when a move that failed is tried again.
func (r *retries) moveAgain() time.Duration {
	r.count++
	return min(time.Second<<min(r.count, 5), backoffMost)
}

package tidewire

import (
	"errors"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// take handles a frame that has come by a link. Frames of unknown types are ignored.
func (c *Client) take(l *link, f *wire.ServerFrame, raw []byte) {
	if l.over {
		return
	}
	switch f.Type {
	case wire.TypeWelcome:
		c.welcomed(l, f)
	case wire.TypeOK:
		c.answer(l, f)
	case wire.TypeError:
		c.refusal(l, f)
	case wire.TypeMessage:
		if feed := c.feed(f); feed != nil {
			feed.message(l, f, raw)
		}
	case wire.TypeSnapshot:
		if feed := c.feed(f); feed != nil {
			feed.snapshot(l, f, raw)
		}
	case wire.TypeDirect:
		if c.direct != nil && !c.recent.Seen(f.Event) {
			c.direct.queue.put(Update{Kind: KindMessage, Message: message(f, raw)})
		}
	case wire.TypeNotice:
		c.notice(l, f)
	case wire.TypeHeartbeat:
		for _, feed := range c.feeds {
			feed.heartbeat(l, f.AsOf)
		}
	case wire.TypeMove:
		if l == c.links.live {
			c.planMove(time.Duration(verdict.Bounded(f.AfterMs, 0, verdict.MaxWaitMs)) * time.Millisecond)
		}
	}
	c.arrive(l)
	if l == c.links.leaving {
		c.leave(l, false)
	}
}

func (c *Client) welcomed(l *link, f *wire.ServerFrame) {
	if !l.opened.IsZero() {
		return
	}
	l.opened, l.welcome = time.Now(), *f
	l.welcomed()
	delete(l.open, l.hello)
	if l == c.links.live {
		c.out.use(l)
		c.setLive(l)
	}
	for _, feed := range c.feeds {
		if l.first[feed] == nil {
			feed.askOn(l)
		}
	}
}

func (c *Client) answer(l *link, f *wire.ServerFrame) {
	if l.answered(f) || f.ID != "" {
		return
	}
	feed := c.feed(f)
	switch a := l.first[feed]; {
	case feed == nil:
	case feed.pattern && !f.Pattern:
		feed.channelAnswered(l, f)
	case a != nil:
		delete(l.first, feed)
		a.done(f, nil)
	}
}

// notice is about one subscription, or about all that read a channel.
func (c *Client) notice(l *link, f *wire.ServerFrame) {
	if f.Code == wire.NoticeDropped && f.Sub == "" { // from the queue of the connection, which does not tell subscriptions apart
		for _, feed := range c.feeds {
			feed.notice(l, f)
		}
	} else if feed := c.feed(f); feed != nil {
		feed.notice(l, f)
	}
}

// refusal is about a frame, a channel, or the connection.
func (c *Client) refusal(l *link, f *wire.ServerFrame) {
	if l.answered(f) {
		return
	}
	why := verdict.Refusal(f)
	if f.Channel == "" {
		l.told = why
		if !l.opened.IsZero() {
			c.after(closesWithin, func() { l.refuseFirst(why) })
			if c.o.Once {
				c.fail(why)
			}
		}
		return
	}
	feed := c.feed(f)
	switch a := l.first[feed]; {
	case feed == nil || feed.name != f.Channel:
	case a != nil:
		delete(l.first, feed)
		a.done(nil, why)
	case feed.link == l: // it was taken away
		feed.refused(l, why)
	}
}

// closesWithin is how soon a close frame follows the error that gives its reason.
const closesWithin = time.Second

// refuseFirst takes an error for the answer to all that the connect frame has asked for and that is not answered: the connection has stayed.
func (l *link) refuseFirst(why *realtime.Error) {
	if l.over {
		return
	}
	for _, a := range l.first {
		a.done(nil, why)
	}
	clear(l.first)
	l.c.arrive(l)
}

// asError is an error with its code; nil if there is none.
func asError(err error) *realtime.Error {
	if err == nil {
		return nil
	}
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e
	}
	return &realtime.Error{Code: realtime.CodeOf(err), Message: err.Error(), Err: err}
}

package tidewire

import (
	"errors"
	"time"

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
		if feed := c.feeds[f.Channel]; feed != nil {
			feed.message(l, f, raw)
		}
	case wire.TypeSnapshot:
		if feed := c.feeds[f.Channel]; feed != nil {
			feed.snapshot(l, f, raw)
		}
	case wire.TypeDirect:
		if c.direct != nil && !c.recent.seen(f.Event) {
			c.direct.queue.put(Update{Kind: KindMessage, Message: message(f, raw)})
		}
	case wire.TypeNotice:
		if feed := c.feeds[f.Channel]; feed != nil {
			feed.notice(l, f)
		}
	case wire.TypeHeartbeat:
		for _, feed := range c.feeds {
			feed.heartbeat(l, f.AsOf)
		}
	case wire.TypeMove:
		if l == c.links.live {
			c.planMove(time.Duration(bounded(f.AfterMs, 0, maxWaitMs)) * time.Millisecond)
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
		if l.first[feed.channel] == nil {
			feed.askOn(l)
		}
	}
}

func (c *Client) answer(l *link, f *wire.ServerFrame) {
	if l.answered(f) || f.ID != "" {
		return
	}
	if a := l.first[f.Channel]; a != nil {
		delete(l.first, f.Channel)
		a.done(f, nil)
	}
}

// refusal is about a frame, a channel, or the connection.
func (c *Client) refusal(l *link, f *wire.ServerFrame) {
	if l.answered(f) {
		return
	}
	why := refusalOf(f)
	if f.Channel == "" {
		l.told = why
		if !l.opened.IsZero() { // if the connection stays, it is about all channels of the connect frame
			for _, a := range l.first {
				a.done(nil, why)
			}
			clear(l.first)
			if c.o.Once {
				c.fail(why)
			}
		}
		return
	}
	if a := l.first[f.Channel]; a != nil {
		delete(l.first, f.Channel)
		a.done(nil, why)
		return
	}
	if feed := c.feeds[f.Channel]; feed != nil && feed.link == l { // it was taken away
		feed.refused(l, why)
	}
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

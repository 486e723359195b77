package tidewire

import (
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Take handles a frame that has come by a link. Frames of unknown types are ignored.
func (o owner) Take(l *link.Link, f *wire.ServerFrame, raw []byte) {
	c := o.Client
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
	case wire.TypeChanges:
		if feed := c.feed(f); feed != nil {
			feed.changes(l, f)
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
		c.connection.Move(l, f.AfterMs)
	}
}

func (c *Client) welcomed(l *link.Link, f *wire.ServerFrame) {
	if !c.connection.Welcomed(l, f) {
		return
	}
	for _, feed := range c.feeds {
		if l.First[feed] == nil {
			feed.askOn(l)
		}
	}
}

func (c *Client) answer(l *link.Link, f *wire.ServerFrame) {
	if l.Answered(f) || f.ID != "" {
		return
	}
	feed := c.feed(f)
	switch {
	case feed == nil:
	case feed.pattern && !f.Pattern:
		feed.channelAnswered(l, f)
	default:
		l.AnsweredFirst(feed, f, nil)
	}
}

// notice is about one subscription, or about all that read a channel.
func (c *Client) notice(l *link.Link, f *wire.ServerFrame) {
	if f.Code == wire.NoticeDropped && f.Sub == "" { // from the queue of the connection, which does not tell subscriptions apart
		for _, feed := range c.feeds {
			feed.notice(l, f)
		}
	} else if feed := c.feed(f); feed != nil {
		feed.notice(l, f)
	}
}

// refusal is about a frame, a channel, or the connection.
func (c *Client) refusal(l *link.Link, f *wire.ServerFrame) {
	if l.Answered(f) {
		return
	}
	why := verdict.Refusal(f)
	if f.Channel == "" {
		c.connection.Told(l, why)
		return
	}
	feed := c.feed(f)
	switch {
	case feed == nil || feed.name != f.Channel || l.AnsweredFirst(feed, nil, why):
	case feed.link == l: // it was taken away
		feed.refused(l, why)
	}
}

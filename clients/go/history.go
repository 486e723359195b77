package tidewire

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// HistoryQuery says what is wanted of what was published to a channel before. The zero value is the newest. With From or After the pages go forward
// from there, and else back from the newest within the bounds.
type HistoryQuery struct {
	After, Before string    // Positions: messages behind that, or before that; not both
	From, To      time.Time // messages of this time and later, or before this time
	Limit         int       // messages in a page, 1 to 1,000; 0 is 100. A page may have fewer
	// Filter and Fields choose, as in SubscribeOptions.
	Filter string
	Fields []string
}

// HistoryPage is a page of what was published to a channel. Its messages have no Frame if they have come by the socket.
type HistoryPage struct {
	Messages []*Message // the oldest first
	More     bool       // there is another page: that of Next
	// Complete says that nothing that was asked for is missing, from the bound at which the first page began to the end of this one; without More
	// nothing at all. Without it, something is gone or may be.
	Complete bool
	Next     HistoryQuery // of the next page
	// Beyond says that the channel's namespace keeps more than the gateway has: api.Client.History reads that.
	Beyond bool
}

// of returns the query as the server has it. The error names the field.
func (q *HistoryQuery) of() (w realtime.HistoryQuery, err error) {
	w.Limit = q.Limit
	for _, p := range []struct {
		name, text string
		to         *realtime.Position
	}{{"After", q.After, &w.After}, {"Before", q.Before, &w.Before}} {
		if *p.to, err = realtime.ParsePosition(p.text); err != nil {
			return w, realtime.Errorf(realtime.CodeBadRequest, "%s: must be a position as the server sent it, got %.64q", p.name, p.text)
		}
	}
	for _, at := range []struct {
		name string
		time time.Time
		to   *int64
	}{{"From", q.From, &w.From}, {"To", q.To, &w.To}} {
		if at.time.IsZero() {
			continue
		}
		if *at.to = at.time.UnixMilli(); *at.to <= 0 {
			return w, realtime.Errorf(realtime.CodeBadRequest, "%s: must be after 1970, got %s", at.name, at.time)
		}
	}
	return w, w.Check()
}

// Check refuses what no server answers, with code CodeBadRequest and the name of the field.
func (q *HistoryQuery) Check() error {
	_, err := q.of()
	return err
}

// page makes a page of what a server has answered.
func (q *HistoryQuery) page(channel string, messages []wire.ServerFrame, more, complete bool) *HistoryPage {
	p := &HistoryPage{Messages: make([]*Message, len(messages)), More: more && len(messages) > 0, Complete: complete, Next: *q}
	for i := range messages {
		messages[i].Channel = channel
		p.Messages[i] = message(&messages[i], nil)
	}
	if w, err := q.of(); err == nil && p.More && w.Forward() {
		p.Next.After, p.Next.From = p.Messages[len(messages)-1].Position, time.Time{}
	} else if p.More {
		p.Next.Before, p.Next.To = p.Messages[0].Position, time.Time{}
	}
	return p
}

// ReadHistoryPage reads a page as the management API answers it to a query.
func ReadHistoryPage(channel string, q HistoryQuery, answer []byte) (*HistoryPage, error) {
	var raw struct {
		Messages       []json.RawMessage
		More, Complete bool
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return nil, realtime.Errorf(realtime.CodeInternal, "the server answered with what is no page of history: %v", err)
	}
	messages := make([]wire.ServerFrame, len(raw.Messages))
	for i, m := range raw.Messages {
		if err := json.Unmarshal(m, &messages[i]); err != nil {
			return nil, realtime.Errorf(realtime.CodeInternal, "messages[%d]: is no message: %v", i, err)
		}
	}
	p := q.page(channel, messages, raw.More, raw.Complete)
	for i, m := range raw.Messages {
		p.Messages[i].Frame = m
	}
	return p, nil
}

// History returns a page of what was published to a channel before, whether it is read or not, as far as the gateway remembers it. It waits for a connection,
// and asks again after a loss and when the server asks for that, until ctx ends.
func (c *Client) History(ctx context.Context, channel string, q HistoryQuery) (*HistoryPage, error) {
	if _, err := realtime.NewChannel("any", channel); err != nil {
		return nil, err
	}
	w, err := q.of()
	if err != nil {
		return nil, err
	}
	for {
		frame := &wire.ClientFrame{Type: wire.TypeHistory, Channel: channel, Query: w}
		if q.Filter != "" {
			frame.Options.Filter = &q.Filter
		}
		if len(q.Fields) > 0 {
			frame.Options.Fields = &q.Fields
		}
		f, err := c.request(ctx, frame)
		switch why := verdict.Of(err); {
		case err == nil:
			p := q.page(channel, f.Messages, f.More, f.Complete)
			p.Beyond = f.Hint == wire.HintHTTP
			return p, nil
		case ctx.Err() != nil || c.Err() != nil || c.o.Once:
			return nil, err
		case errors.Is(err, ErrLost):
		case !verdict.Later(why):
			return nil, err
		default:
			if err := sleep(ctx, max(why.RetryAfter, 100*time.Millisecond)); err != nil {
				return nil, err
			}
		}
	}
}

// HistoryPages returns the pages that a query begins, one after the other, and the error as the last. All of it is there if every page is Complete.
func (c *Client) HistoryPages(ctx context.Context, channel string, q HistoryQuery) iter.Seq2[*HistoryPage, error] {
	return Pages(q, func(q HistoryQuery) (*HistoryPage, error) { return c.History(ctx, channel, q) })
}

// Pages returns the pages that a query begins, as read returns each of them.
func Pages(q HistoryQuery, read func(HistoryQuery) (*HistoryPage, error)) iter.Seq2[*HistoryPage, error] {
	return func(yield func(*HistoryPage, error) bool) {
		for {
			p, err := read(q)
			if !yield(p, err) || err != nil || !p.More {
				return
			}
			q = p.Next
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

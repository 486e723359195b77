package tidewire

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Call calls a route of the server's own program and returns the data of the answer. It waits for a connection, but is sent once: when
// that is lost before the answer, the error is ErrLost.
func (c *Client) Call(ctx context.Context, route string, data json.RawMessage) (json.RawMessage, error) {
	if route == "" {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "route: is empty")
	}
	if data != nil {
		if _, err := wire.Compact(data); err != nil {
			return nil, err
		}
	}
	f, err := c.request(ctx, &wire.ClientFrame{Type: wire.TypeCall, Route: route, Data: data})
	if err != nil {
		return nil, err
	}
	return f.Data, nil
}

// Presence returns who is subscribed to a channel, and how many: the members may be the first of them.
func (c *Client) Presence(ctx context.Context, channel string) (members []realtime.Member, count int, err error) {
	if _, err := realtime.NewChannel("any", channel); err != nil {
		return nil, 0, err
	}
	f, err := c.request(ctx, &wire.ClientFrame{Type: wire.TypePresence, Channel: channel})
	if err != nil {
		return nil, 0, err
	}
	return f.Members, f.Count, nil
}

// request sends a frame, once, and waits for its answer.
func (c *Client) request(ctx context.Context, frame *wire.ClientFrame) (*wire.ServerFrame, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	type answer struct {
		f   *wire.ServerFrame
		err error
	}
	came := make(chan answer, 1)
	q := &link.Question{Frame: frame, Done: func(f *wire.ServerFrame, err error) {
		<-c.room
		came <- answer{f, err}
	}}
	if !c.loop.Do(func() { c.sendOnce(q) }) {
		<-c.room
		return nil, c.Err()
	}
	select {
	case a := <-came:
		return a.f, a.err
	case <-ctx.Done():
		c.loop.Do(func() { c.forget(q, context.Cause(ctx)) })
		return nil, context.Cause(ctx)
	}
}

func (c *Client) sendOnce(q *link.Question) {
	l := c.connection.Live()
	if l == nil {
		c.waiting = append(c.waiting, q)
		return
	}
	if l.TooLarge(q.Frame) {
		q.Done(nil, link.ErrTooLarge("request"))
		return
	}
	l.Request(q.Frame, q.Done)
}

// forget takes back a request that was not sent yet. The answer of one that was is for nobody.
func (c *Client) forget(q *link.Question, why error) {
	if i := slices.Index(c.waiting, q); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		q.Done(nil, why)
	}
}

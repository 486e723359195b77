package hub

import (
	"context"

	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/query"
)

// History returns a page of what was published to a channel and a connection may see by the rules in force, as far as its record reaches. It waits
// until the record is known, and looks at it in parts, so that no reader waits for it. Errors: CodeForbidden; CodeBadRequest for a filter that
// cannot be compiled, and for bounds that are none; CodeLimited while much waits for the client to read it; CodeUnavailable if
// the channel is not known in time, or ctx ends.
func History(ctx context.Context, c *Connection, req *history.Request) (*history.Page, error) {
	want := channel.Want{Filter: req.Filter, Fields: req.Fields}
	v, err := viewOf(c, req.Channel, &want)
	if err != nil {
		return nil, err
	}
	r := channel.NewReader(&c.client, req.Channel, v, channel.Pace{})
	r.SetWant(want)
	ask := func(q *channel.Question) {
		c.owed.Add(1)
		c.feed.asked.ask(q)
	}
	hold := func(part func(tired func() bool)) {
		c.feed.lock()
		defer c.feed.unlock()
		part(c.feed.fx.Tired)
	}
	return query.Page(ctx, query.Owner{Ask: ask, Hold: hold}, r, req)
}

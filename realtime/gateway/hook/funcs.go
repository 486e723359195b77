package hook

import (
	"context"
	"encoding/json"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
)

// Funcs implements Hooks with functions. One that is nil leaves everything
// as it is; without OnCall there are no routes.
type Funcs struct {
	OnConnect   func(ctx context.Context, e *ConnectEvent) (ConnectResult, error)
	OnSubscribe func(ctx context.Context, c *Client, ch realtime.Channel) error
	OnPublish   func(ctx context.Context, c *Client, p *realtime.Publication) error
	// OnSubscribePattern is that of PatternHooks. Without it, patterns are refused if there is an OnSubscribe.
	OnSubscribePattern func(ctx context.Context, c *Client, p realtime.Pattern) error

	OnCall       func(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error)
	OnDisconnect func(ctx context.Context, c *Client, code realtime.Code)
}

// Connect calls OnConnect.
func (f Funcs) Connect(ctx context.Context, e *ConnectEvent) (ConnectResult, error) {
	if f.OnConnect == nil {
		return ConnectResult{}, nil
	}
	return f.OnConnect(ctx, e)
}

// Subscribe calls OnSubscribe.
func (f Funcs) Subscribe(ctx context.Context, c *Client, ch realtime.Channel) error {
	if f.OnSubscribe == nil {
		return nil
	}
	return f.OnSubscribe(ctx, c, ch)
}

// SubscribePattern calls OnSubscribePattern.
func (f Funcs) SubscribePattern(ctx context.Context, c *Client, p realtime.Pattern) error {
	switch {
	case f.OnSubscribePattern != nil:
		return f.OnSubscribePattern(ctx, c, p)
	case f.OnSubscribe != nil:
		return noPatterns()
	}
	return nil
}

// Publish calls OnPublish.
func (f Funcs) Publish(ctx context.Context, c *Client, p *realtime.Publication) error {
	if f.OnPublish == nil {
		return nil
	}
	return f.OnPublish(ctx, c, p)
}

// Call calls OnCall.
func (f Funcs) Call(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error) {
	if f.OnCall == nil {
		return nil, refusal.NoRoute(route)
	}
	return f.OnCall(ctx, c, route, data)
}

// Disconnect calls OnDisconnect.
func (f Funcs) Disconnect(ctx context.Context, c *Client, code realtime.Code) {
	if f.OnDisconnect != nil {
		f.OnDisconnect(ctx, c, code)
	}
}

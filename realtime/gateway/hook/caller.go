package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// Caller calls hooks: each with a deadline, and so that a panic ends nothing but the call. Its errors may be shown
// to the client; what may not has been logged. It is safe for concurrent use. Only Wants may be called
// of a Caller without Hooks.
type Caller struct {
	Hooks   Hooks           // nil: there are none
	Life    context.Context // of the gateway: no hook outlives it
	Timeout time.Duration   // of one call
	Logger  *slog.Logger
	Metrics realtime.Metrics
}

// Wants reports whether a hook is to be called about something.
func (c *Caller) Wants(q Question) bool {
	if c.uncalled(q) != nil {
		return true
	}
	if c.Hooks == nil {
		return false
	}
	selective, selects := c.Hooks.(SelectiveHooks)
	return !selects || selective.Wants(q)
}

// uncalled refuses what a hook of a tenant's document is to be asked about and nobody here asks it.
func (c *Caller) uncalled(q Question) *realtime.Error {
	if _, calls := c.Hooks.(DocumentHooks); calls || q.Tenant == nil || !document.Asks(q.Tenant, q.Event, q.Subject) {
		return nil
	}
	return refusal.Unavailable("hooks: this server does not call those of a tenant's document")
}

// Connect asks whether a client may connect. The result is nil if the hook adds nothing.
func (c *Caller) Connect(e *ConnectEvent) (*ConnectResult, *realtime.Error) {
	if refused := c.uncalled(Question{e.Tenant, EventConnect, ""}); refused != nil {
		return nil, refused
	}
	added, refused := call(c, "connect", func(ctx context.Context) (ConnectResult, error) {
		added, err := c.Hooks.Connect(ctx, e)
		if err == nil {
			err = added.Check()
		}
		return added, err
	})
	if refused != nil || added.empty() {
		return nil, refused
	}
	return &added, nil
}

// Subscribe asks whether a client may subscribe to a channel.
func (c *Caller) Subscribe(client *Client, ch realtime.Channel) *realtime.Error {
	if refused := c.uncalled(Question{client.Tenant, EventSubscribe, ch.Name()}); refused != nil {
		return refused
	}
	_, refused := call(c, "subscribe", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.Hooks.Subscribe(ctx, client, ch)
	})
	return refused
}

// SubscribePattern asks whether a client may subscribe to all channels of a pattern.
func (c *Caller) SubscribePattern(client *Client, p realtime.Pattern) *realtime.Error {
	if refused := c.uncalled(Question{client.Tenant, EventSubscribe, string(p)}); refused != nil {
		return refused
	}
	hooks, decides := c.Hooks.(PatternHooks)
	if !decides {
		return noPatterns()
	}
	_, refused := call(c, "subscribe", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, hooks.SubscribePattern(ctx, client, p)
	})
	return refused
}

func noPatterns() *realtime.Error {
	return realtime.Errorf(realtime.CodeBadRequest, "channel: patterns are not served where a program decides about each subscribe")
}

// Publish asks whether a client may publish p, which the hook may change. check refuses what the hook must not return.
func (c *Caller) Publish(client *Client, p *realtime.Publication, check func() error) *realtime.Error {
	if refused := c.uncalled(Question{client.Tenant, EventPublish, p.Channel.Name()}); refused != nil {
		return refused
	}
	_, refused := call(c, "publish", func(ctx context.Context) (struct{}, error) {
		if err := c.Hooks.Publish(ctx, client, p); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, check()
	})
	return refused
}

// Call answers a call of a client with JSON; nil if the answer has no data.
func (c *Caller) Call(client *Client, route string, data []byte) ([]byte, *realtime.Error) {
	if refused := c.uncalled(Question{client.Tenant, EventCall, route}); refused != nil {
		return nil, refused
	}
	return call(c, "call", func(ctx context.Context) ([]byte, error) {
		out, err := c.Hooks.Call(ctx, client, route, json.RawMessage(data))
		if err != nil || out == nil {
			return nil, err
		}
		data, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("writing the answer to a call: %w", err)
		}
		return data, nil
	})
}

// Disconnect tells the program that a connection has ended. What goes wrong is logged: nobody is left to be told.
func (c *Caller) Disconnect(client *Client, code realtime.Code) {
	_, _ = call(c, "disconnect", func(ctx context.Context) (struct{}, error) {
		c.Hooks.Disconnect(ctx, client, code)
		return struct{}{}, nil
	})
}

// call calls a hook.
func call[T any](c *Caller, name string, hook func(context.Context) (T, error)) (out T, refused *realtime.Error) {
	ctx, cancel := context.WithTimeout(c.Life, c.Timeout)
	defer cancel()
	var err error
	if refused := contain.Do(c.Logger, c.Metrics, contain.Hook, func() { out, err = hook(ctx) }); refused != nil {
		return out, refused
	}
	if err == nil {
		return out, nil
	}
	if known := (*realtime.Error)(nil); errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && !errors.As(err, &known) {
		c.Logger.WarnContext(ctx, "a hook took too long", realtime.KeyReason, name, realtime.KeyDuration, c.Timeout)
		return out, realtime.Errorf(realtime.CodeTimeout, "no answer within %s", c.Timeout)
	}
	return out, refusal.Reporter{Logger: c.Logger}.Report(ctx, name, err)
}

package hook

import (
	"context"
	"encoding/json"

	"github.com/tidewire/tidewire/realtime"
)

// Hooks are the decisions that a gateway asks your own program for. Without any a gateway is
// complete; Funcs implements them with functions, as many as you need.
//
// The hooks of one connection are called one after the other, in the order of
// its frames, and those of different connections concurrently; SelectiveHooks are called for what they want alone. ctx ends after
// gateway.Options.HookTimeout and when the gateway has closed; a hook that goes on after that holds up
// its own connection and nobody else's; that counts among its tenant's connections until the hook returns. A panic is logged, answered as CodeInternal and ends nothing else.
//
// An error that is a *realtime.Error is shown to the client with its code,
// message and RetryAfter. Any other is logged, and the client is told CodeInternal alone.
type Hooks interface {
	// Connect decides whether a client whose token is good may connect, and what it is
	// beyond its token. An error refuses it and closes with the error's close code.
	Connect(ctx context.Context, e *ConnectEvent) (ConnectResult, error)
	// Subscribe may refuse a channel that the grants allow. It is not asked about the channels of a pattern: see PatternHooks.
	Subscribe(ctx context.Context, c *Client, ch realtime.Channel) error
	// Publish may refuse an event that the grants allow, or change its Key, Tags and
	// Data before it is published. Data is compact JSON and is replaced, not written into. After CodeUnavailable, or CodeLimited with
	// a RetryAfter, the client sends the event again, and until then what it publishes to the channel is refused too, so that it does not come first.
	Publish(ctx context.Context, c *Client, p *realtime.Publication) error
	// Call answers a call of the client. What it returns is the answer's data, as
	// encoding/json writes it. A route that it does not know is an error with CodeNotFound.
	Call(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error)
	// Disconnect is told that a connection which was welcomed has ended, as its last
	// hook. code says why, and is empty if the client left. It is not called when the process dies.
	Disconnect(ctx context.Context, c *Client, code realtime.Code)
}

// PatternHooks are Hooks that decide about subscriptions to patterns, such as "prices:*": they are asked once, and what they allow reads all channels
// that the pattern selects, those that begin later included, without another question. Patterns are refused where the Hooks are none of
// these, so that a program that decides about each channel is not passed by.
type PatternHooks interface {
	// SubscribePattern may refuse a pattern of which the grants allow all.
	SubscribePattern(ctx context.Context, c *Client, p realtime.Pattern) error
}

// Client is the connection a hook is called for.
type Client struct {
	ID        string              // of the connection
	Tenant    *realtime.Tenant    // the document in force; not to be changed
	Principal *realtime.Principal // as it is now; not to be changed
	Meta      map[string]string   // as Connect returned it; not to be changed
}

package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Hooks is what a program of one's own is asked. Without any a gateway is
// complete; HookFuncs implements it with functions, as many as one needs.
//
// The hooks of one connection are called one after the other, in the order of
// its frames, and those of different connections concurrently. ctx ends after
// Options.HookTimeout and when the gateway has closed; a hook that goes on after that holds up
// its own connection and nobody else's; that counts among its tenant's connections until the hook returns. A panic is logged, answered as CodeInternal and ends nothing else.
//
// An error that is a *realtime.Error is shown to the client with its code,
// message and RetryAfter. Any other is logged, and the client is told CodeInternal alone.
type Hooks interface {
	// Connect decides whether a client whose token is good may connect, and what it is
	// beyond its token. An error refuses it and closes with the error's close code.
	Connect(ctx context.Context, e *ConnectEvent) (ConnectResult, error)
	// Subscribe may refuse a channel that the grants allow.
	Subscribe(ctx context.Context, c *Client, ch realtime.Channel) error
	// Publish may refuse an event that the grants allow, or change its Key, Tags and
	// Data before it is published. Data is compact JSON and is replaced, not written into. After CodeUnavailable, or CodeLimited with
	// a RetryAfter, the client sends the event again, and until then what it publishes to the channel is refused too, lest it come first.
	Publish(ctx context.Context, c *Client, p *realtime.Publication) error
	// Call answers a call of the client. What it returns is the answer's data, as
	// encoding/json writes it. A route that it does not know is an error with CodeNotFound.
	Call(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error)
	// Disconnect is told that a connection which was welcomed has ended, as its last
	// hook. code says why, and is empty if the client left. It is not called when the process dies.
	Disconnect(ctx context.Context, c *Client, code realtime.Code)
}

// ConnectEvent is a client that wants to connect.
type ConnectEvent struct {
	// Principal is what its token says. It is not to be changed.
	Principal *realtime.Principal
	// Remote is the address it comes from, Path the one it asks for.
	Remote string
	Path   string
	// Header and Query are those of its HTTP request, without the token.
	Header http.Header
	Query  url.Values
}

// ConnectResult is what a client has beyond its token, for as long as it is
// connected; a renewed token does not take it away.
type ConnectResult struct {
	// Groups are added to those of the token, and what {group} in a pattern may stand for.
	Groups []string
	// Grants are added to those of the token.
	Grants realtime.Grants
	// Meta goes into the connection's document and to the later hooks. It is small: at most
	// MaxMetaBytes of names and values.
	Meta map[string]string
}

// MaxMetaBytes bounds the names and values of ConnectResult.Meta together.
const MaxMetaBytes = 4096

// check refuses a result that the hook should not have made. It is a fault of the program, not of the client.
func (a *ConnectResult) check() error {
	for _, patterns := range [][]realtime.Pattern{a.Grants.Subscribe, a.Grants.Publish, a.Grants.Presence} {
		for _, p := range patterns {
			if err := realtime.CheckPattern(string(p)); err != nil {
				return realtime.Errorf(realtime.CodeInternal, "the connect hook granted an invalid pattern: %v", err)
			}
		}
	}
	size := 0
	for name, value := range a.Meta {
		size += len(name) + len(value)
	}
	if size > MaxMetaBytes {
		return realtime.Errorf(realtime.CodeInternal, "the connect hook must return at most %d bytes of meta, got %d", MaxMetaBytes, size)
	}
	return nil
}

// extend returns the principal of a token with what the hook added to it.
func (a *ConnectResult) extend(p *realtime.Principal) *realtime.Principal {
	if a == nil {
		return p
	}
	more := *p
	more.Groups = slices.Concat(p.Groups, a.Groups)
	more.Grants.Subscribe = slices.Concat(p.Grants.Subscribe, a.Grants.Subscribe)
	more.Grants.Publish = slices.Concat(p.Grants.Publish, a.Grants.Publish)
	more.Grants.Presence = slices.Concat(p.Grants.Presence, a.Grants.Presence)
	return &more
}

// Client is the connection a hook is called for.
type Client struct {
	ID        string              // of the connection
	Principal *realtime.Principal // as it is now; not to be changed
	Meta      map[string]string   // as Connect returned it; not to be changed
}

// HookFuncs implements Hooks with functions. One that is nil leaves everything
// as it is; without OnCall there are no routes.
type HookFuncs struct {
	OnConnect    func(ctx context.Context, e *ConnectEvent) (ConnectResult, error)
	OnSubscribe  func(ctx context.Context, c *Client, ch realtime.Channel) error
	OnPublish    func(ctx context.Context, c *Client, p *realtime.Publication) error
	OnCall       func(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error)
	OnDisconnect func(ctx context.Context, c *Client, code realtime.Code)
}

// Connect calls OnConnect.
func (h HookFuncs) Connect(ctx context.Context, e *ConnectEvent) (ConnectResult, error) {
	if h.OnConnect == nil {
		return ConnectResult{}, nil
	}
	return h.OnConnect(ctx, e)
}

// Subscribe calls OnSubscribe.
func (h HookFuncs) Subscribe(ctx context.Context, c *Client, ch realtime.Channel) error {
	if h.OnSubscribe == nil {
		return nil
	}
	return h.OnSubscribe(ctx, c, ch)
}

// Publish calls OnPublish.
func (h HookFuncs) Publish(ctx context.Context, c *Client, p *realtime.Publication) error {
	if h.OnPublish == nil {
		return nil
	}
	return h.OnPublish(ctx, c, p)
}

// Call calls OnCall.
func (h HookFuncs) Call(ctx context.Context, c *Client, route string, data json.RawMessage) (any, error) {
	if h.OnCall == nil {
		return nil, realtime.Errorf(realtime.CodeNotFound, "route: %.64q is unknown", route)
	}
	return h.OnCall(ctx, c, route, data)
}

// Disconnect calls OnDisconnect.
func (h HookFuncs) Disconnect(ctx context.Context, c *Client, code realtime.Code) {
	if h.OnDisconnect != nil {
		h.OnDisconnect(ctx, c, code)
	}
}

package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/webhook/document"
	"github.com/tidewire/tidewire/realtime/webhook/event"
)

// Options are what Hooks need. The zero value works for hooks with auth hmac.
type Options struct {
	// Origin is what the server calls itself in handshakes, by convention a DNS name; "tidewire".
	Origin string
	// IDToken returns an OpenID Connect token for an audience, for hooks with auth oidc; nil: those fail. It is safe for concurrent use and remembers tokens.
	IDToken func(ctx context.Context, audience string) (string, error)
	Network Network
	Logger  *slog.Logger     // nil discards
	Metrics realtime.Metrics // nil forgets
}

// Hooks ask the hooks of tenants' documents. They are gateway.Hooks, and safe for concurrent use.
type Hooks struct {
	o      Options
	client *http.Client
	states *states
	cache  *cache
}

var (
	_ hook.SelectiveHooks = (*Hooks)(nil)
	_ hook.PatternHooks   = (*Hooks)(nil)
	_ hook.DocumentHooks  = (*Hooks)(nil)
)

// New returns Hooks. Close them.
func New(o Options) *Hooks {
	o.Origin = cmp.Or(o.Origin, "tidewire")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	return &Hooks{o: o, client: o.Network.client(), states: newStates(), cache: newCache()}
}

// Close closes the connections that are not in use.
func (w *Hooks) Close() { w.client.CloseIdleConnections() }

// CallsDocuments says that the hooks of documents are called.
func (w *Hooks) CallsDocuments() {}

// Wants reports whether a hook of the tenant's document is asked about something. Of a request nothing is read but what is kept anyway.
func (w *Hooks) Wants(q hook.Question) bool {
	return q.Tenant != nil && document.Asks(q.Tenant, q.Event, q.Subject)
}

// Connect asks about a client. What several hooks answer comes together; each is told what those before it have left.
func (w *Hooks) Connect(ctx context.Context, e *hook.ConnectEvent) (all hook.ConnectResult, err error) {
	all.Meta = map[string]string{}
	for _, h := range asked(e.Tenant, realtime.HookConnect, "") {
		p := all.Extend(e.Principal)
		a, err := w.ask(ctx, e.Tenant, h, realtime.HookConnect, &event.Event{
			Tenant: p.Tenant, User: p.User, Groups: p.Groups, Meta: all.Meta, Grants: &p.Grants,
			Remote: e.Remote, Path: e.Path, Origin: e.Header.Get("Origin"), UserAgent: agent(e.Header),
		}, func(a *event.Answer) error { would := all; return addTo(&would, e.Principal, a) })
		if err != nil {
			return hook.ConnectResult{}, err
		}
		if err := addTo(&all, e.Principal, a); err != nil { // of one that was remembered
			return hook.ConnectResult{}, err
		}
	}
	return all, nil
}

// agent is what a client calls itself, as far as it is told.
func agent(h http.Header) string {
	const most = 256
	text := h.Get("User-Agent")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// Subscribe asks whether a client may subscribe to a channel.
func (w *Hooks) Subscribe(ctx context.Context, c *hook.Client, ch realtime.Channel) error {
	return w.decide(ctx, c, realtime.HookSubscribe, &event.Event{Channel: ch.Name()})
}

// SubscribePattern asks whether a client may subscribe to all channels of a pattern.
func (w *Hooks) SubscribePattern(ctx context.Context, c *hook.Client, p realtime.Pattern) error {
	return w.decide(ctx, c, realtime.HookSubscribe, &event.Event{Pattern: string(p)})
}

func (w *Hooks) decide(ctx context.Context, c *hook.Client, e realtime.HookEvent, what *event.Event) error {
	for _, h := range asked(c.Tenant, e, what.Subject()) {
		if _, err := w.ask(ctx, c.Tenant, h, e, by(c, what), nil); err != nil {
			return err
		}
	}
	return nil
}

// Publish asks about an event, which a hook may change.
func (w *Hooks) Publish(ctx context.Context, c *hook.Client, p *realtime.Publication) error {
	for _, h := range asked(c.Tenant, realtime.HookPublish, p.Channel.Name()) {
		what := by(c, &event.Event{Channel: p.Channel.Name(), Key: p.Key, Op: string(p.Op), Tags: p.Tags, Data: p.Data})
		a, err := w.ask(ctx, c.Tenant, h, realtime.HookPublish, what, func(a *event.Answer) error { return checkChange(p, a) })
		if err != nil {
			return err
		}
		change(p, a)
	}
	return nil
}

// Call has a call answered by the first hook that knows the route.
func (w *Hooks) Call(ctx context.Context, c *hook.Client, route string, data json.RawMessage) (any, error) {
	for _, h := range asked(c.Tenant, realtime.HookCall, route) {
		a, err := w.ask(ctx, c.Tenant, h, realtime.HookCall, by(c, &event.Event{Route: route, Data: data}), nil)
		if err != nil || a.Data == nil {
			return nil, err
		}
		return a.Data, nil
	}
	return nil, realtime.Errorf(realtime.CodeNotFound, "route: %.64q is unknown", route)
}

// Disconnect does nothing: no hook of a document is told.
func (w *Hooks) Disconnect(context.Context, *hook.Client, realtime.Code) {}

// by is an event of a connected client.
func by(c *hook.Client, what *event.Event) *event.Event {
	what.Tenant, what.User, what.Groups, what.Connection, what.Meta = c.Principal.Tenant, c.Principal.User, c.Principal.Groups, c.ID, c.Meta
	return what
}

// asked are the hooks of a tenant that are asked about something, in their order.
func asked(t *realtime.Tenant, e realtime.HookEvent, subject string) (hooks []*realtime.Hook) {
	for i := range t.Hooks {
		if document.Asked(&t.Hooks[i], e, subject) {
			hooks = append(hooks, &t.Hooks[i])
		}
	}
	return hooks
}

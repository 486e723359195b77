package admission

import (
	"context"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/registration"
	"github.com/tidewire/tidewire/realtime/limit"
)

// Options say what a Gate asks. All are required, except that Registration may be nil.
type Options struct {
	Tenants      realtime.Tenants
	Verifier     *auth.Verifier
	Limiter      *limit.Limiter
	Registration *registration.Writer
	Hooks        *hook.Caller
	Remote       func(*http.Request) string // the client's address
	// Within is how long a client has to say who it is, and may wait for the answer.
	Within time.Duration
	// Open ends when the gateway drains: what a handshake waits for may hang.
	Open     context.Context
	Reporter refusal.Reporter
	Metrics  realtime.Metrics
}

// Gate admits clients. It is safe for concurrent use.
type Gate struct {
	o Options
	// Pending are the clients that have not yet said who they are.
	Pending *Pending
	// Refused has a slot for each socket that is kept open only to tell its client why it was refused.
	Refused   Slots
	verifying Slots // requests that wait for their token to be verified, which may take the reading of a tenant's document and keys
}

const (
	// maxRefused is how many sockets are open at once whose clients were refused and are being told why.
	maxRefused = 1000
	// maxVerifying is how many requests wait at once for their token to be verified.
	maxVerifying = 1000
)

// New returns a Gate.
func New(o Options) *Gate {
	return &Gate{o: o, Pending: newPending(), Refused: make(Slots, maxRefused), verifying: make(Slots, maxVerifying)}
}

// Admitted is a client that may connect. Its Seat has to be closed.
type Admitted struct {
	Tenant    *realtime.Tenant    // as it was when the client came
	Principal *realtime.Principal // with what the Connect hook added to it
	Seat      *limit.Connection
	Added     *hook.ConnectResult // by the Connect hook; nil: nothing
	Remote    string
	Page      Page
	Since     time.Time
}

// Request is what a Gate wants to know of an HTTP request.
func (g *Gate) Request(r *http.Request) Request { return Request{r, g.o.Remote(r)} }

// Context is the context of a handshake: it ends with the request, when the client has to have said who it is, or when
// the gateway drains.
func (g *Gate) Context(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Within)
	stop := context.AfterFunc(g.o.Open, cancel)
	return ctx, func() { stop(); cancel() }
}

// VerifyRequest verifies the token of a request, unless too many are being verified.
func (g *Gate) VerifyRequest(ctx context.Context, r *http.Request) (*realtime.Principal, error) {
	if !g.verifying.Take() {
		g.o.Metrics.Add(realtime.CountRefusals, "", realtime.ReasonVerifying, 1)
		return nil, refusal.Unavailable("too many clients are connecting")
	}
	defer g.verifying.Free()
	return g.o.Verifier.VerifyRequest(ctx, r)
}

// Verify verifies a token that came in a frame.
func (g *Gate) Verify(ctx context.Context, token string) (*realtime.Principal, *realtime.Error) {
	p, err := g.o.Verifier.Verify(ctx, token)
	if err != nil {
		return nil, g.o.Reporter.Report(ctx, "verifying a token", err)
	}
	return p, nil
}

// Admit decides whether the client of a verified token may connect.
func (g *Gate) Admit(ctx context.Context, p *realtime.Principal, r *Request) (Admitted, *realtime.Error) {
	page := pageOf(r.http)
	t, refused := g.Check(ctx, p, page)
	if refused != nil {
		return Admitted{}, refused
	}
	if err := g.o.Registration.Err(); err != nil {
		g.o.Metrics.Add(realtime.CountRefusals, t.ID, realtime.Reason(realtime.CodeUnavailable), 1)
		return Admitted{}, g.o.Reporter.Report(ctx, "registering connections", err)
	}
	seat, err := g.o.Limiter.Connect(t, p.User)
	if err != nil {
		return Admitted{}, g.o.Reporter.Report(ctx, "counting connections", err)
	}
	a := Admitted{Tenant: t, Principal: p, Seat: seat, Remote: r.remote, Page: page, Since: time.Now()}
	if !g.o.Hooks.Wants(hook.Question{Tenant: t, Event: hook.EventConnect}) {
		return a, nil
	}
	if refused := g.askHook(&a, r); refused != nil {
		seat.Close()
		g.o.Metrics.Add(realtime.CountRefusals, t.ID, realtime.ReasonConnectHook, 1)
		return Admitted{}, refused
	}
	if a.Tenant, refused = g.Check(ctx, p, page); refused != nil { // it may have taken its time
		seat.Close()
		return Admitted{}, refused
	}
	return a, nil
}

// Check returns the tenant's document if a token that was verified, by this document or
// another one, and the page that shows it, are good by it.
func (g *Gate) Check(ctx context.Context, p *realtime.Principal, from Page) (*realtime.Tenant, *realtime.Error) {
	t, err := g.o.Tenants.Tenant(ctx, p.Tenant)
	if realtime.CodeOf(err) == realtime.CodeNotFound {
		return nil, refusal.Deleted()
	}
	if err != nil {
		return nil, g.o.Reporter.Report(ctx, "reading a tenant", err)
	}
	if err := g.o.Verifier.Recheck(ctx, t, p); err != nil {
		return nil, g.o.Reporter.Report(ctx, "verifying a token", err)
	}
	if !from.Allowed(t) {
		g.o.Metrics.Add(realtime.CountRefusals, t.ID, realtime.ReasonOrigin, 1)
		return nil, refusal.Origin(from.Origins)
	}
	return t, nil
}

// askHook lets the program's own Connect decide and add.
func (g *Gate) askHook(a *Admitted, r *Request) *realtime.Error {
	e := &hook.ConnectEvent{
		Tenant: a.Tenant, Principal: a.Principal, Remote: r.remote, Path: r.http.URL.Path, Header: withoutToken(r.http.Header), Query: queryWithoutToken(r.http.URL),
	}
	added, refused := g.o.Hooks.Connect(e)
	if refused != nil {
		return refused
	}
	a.Added, a.Principal = added, added.Extend(a.Principal)
	return nil
}

// Await keeps of a request what admitting its client takes later, after its handler has returned.
func (g *Gate) Await(r *Request) *Request {
	return r.kept(g.o.Hooks.Wants(hook.Question{Event: hook.EventConnect}))
}

package gateway

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// guest is a client that was let in by either door: it has a seat, and after join a Connection.
type guest struct {
	g         *Gateway
	tenant    *realtime.Tenant    // as it was when the guest came; doc has the one in force
	principal *realtime.Principal // until join, with what the Connect hook added
	seat      *limit.Connection
	added     *ConnectResult // nil: nothing
	remote    string
	page      page // it came from
	since     time.Time
	judged    *realtime.Tenant // by which its token was found good last; guarded by watch.mu once it has joined
	unsure    time.Time        // since when nobody can tell whether it is; watch.judge's alone
	conn      *hub.Connection  // by join
	door      client           // by join

	mu   sync.Mutex // guards left
	left bool
}

// arrival is the context of a handshake: it ends with the request, when the client has to have said who it is, or when
// the gateway drains.
func (g *Gateway) arrival(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), g.o.FirstFrame)
	stop := context.AfterFunc(g.arriving, cancel)
	return ctx, func() { stop(); cancel() }
}

// admit decides whether the client of a verified token may come in. What it
// returns has to be given back to leave.
func (g *Gateway) admit(ctx context.Context, p *realtime.Principal, r *visit) (*guest, *realtime.Error) {
	t, refused := g.judge(ctx, p, pageOf(r.request))
	if refused != nil {
		return nil, refused
	}
	if g.roll != nil {
		if err := g.roll.err(); err != nil {
			g.o.Metrics.Add(realtime.CountRefusals, t.ID, string(realtime.CodeUnavailable), 1)
			return nil, g.shown(ctx, "registering connections", err)
		}
	}
	seat, err := g.o.Limiter.Connect(t, p.User)
	if err != nil {
		return nil, g.shown(ctx, "counting connections", err)
	}
	v := &guest{g: g, tenant: t, principal: p, seat: seat, remote: r.remote, page: pageOf(r.request), since: time.Now(), judged: t}
	if g.o.Hooks != nil {
		if refused := v.askHook(r); refused != nil {
			seat.Close()
			g.o.Metrics.Add(realtime.CountRefusals, t.ID, "connect-hook", 1)
			return nil, refused
		}
		if v.tenant, refused = g.judge(ctx, p, v.page); refused != nil { // it may have taken its time
			seat.Close()
			return nil, refused
		}
		v.judged = v.tenant
	}
	return v, nil
}

// judge returns the tenant's document, once it was asked whether a token that was verified, by this document or
// another one, and the page that shows it, are good by it.
func (g *Gateway) judge(ctx context.Context, p *realtime.Principal, from page) (*realtime.Tenant, *realtime.Error) {
	t, err := g.tenant(ctx, p.Tenant)
	if realtime.CodeOf(err) == realtime.CodeNotFound {
		return nil, gone()
	}
	if err != nil {
		return nil, g.shown(ctx, "reading a tenant", err)
	}
	if err := g.verifier.Recheck(ctx, t, p); err != nil {
		return nil, g.shown(ctx, "verifying a token", err)
	}
	if !from.allowed(t) {
		g.o.Metrics.Add(realtime.CountRefusals, t.ID, "origin", 1)
		return nil, foreign(from)
	}
	return t, nil
}

// askHook lets the program's own Connect decide and add.
func (v *guest) askHook(r *visit) *realtime.Error {
	e := &ConnectEvent{Principal: v.principal, Remote: v.remote, Path: r.request.URL.Path, Header: withoutToken(r.request.Header), Query: queryWithoutToken(r.request.URL)}
	added, refused := guard(v.g, "connect", func(ctx context.Context) (ConnectResult, error) {
		added, err := v.g.o.Hooks.Connect(ctx, e)
		if err == nil {
			err = added.check()
		}
		return added, err
	})
	if refused != nil {
		return refused
	}
	if len(added.Groups) > 0 || len(added.Meta) > 0 || len(added.Grants.Subscribe)+len(added.Grants.Publish)+len(added.Grants.Presence) > 0 {
		v.added = &added
		v.principal = added.extend(v.principal)
	}
	return nil
}

// join connects the guest to the Hub and enters it in the registry.
func (v *guest) join(box *outbox.Outbox, tr outbox.Transport, door client, kind string) *realtime.Error {
	c, err := v.g.hub.Connect(v.tenant, v.principal, box, tr)
	if err != nil {
		return v.g.shown(v.g.life, "connecting", err)
	}
	v.conn, v.door, v.principal = c, door, nil // from here on the principal is the connection's, and may be renewed
	if v.g.roll != nil {
		if err := v.g.roll.add(v.document()); err != nil {
			v.g.hub.Disconnect(c)
			v.conn = nil
			return v.g.shown(v.g.life, "registering a connection", err)
		}
	}
	v.g.watch.join(v)
	v.g.o.Metrics.Add(realtime.CountConnects, v.tenant.ID, kind, 1)
	return nil
}

// doc is the tenant's document in force. The guest has joined.
func (v *guest) doc() *realtime.Tenant { return v.conn.Tenant() }

// leave gives back what admit and join took, but for the seat. code says why, and is empty if the client left.
func (v *guest) leave(code realtime.Code) {
	v.mu.Lock()
	v.left = true
	v.mu.Unlock()
	if v.conn != nil {
		v.g.watch.leave(v)
		v.g.hub.Disconnect(v.conn)
		if v.g.roll != nil {
			v.g.roll.remove(realtime.ConnectionRef{Tenant: v.tenant.ID, ID: v.conn.ID()})
		}
		v.g.o.Metrics.Add(realtime.CountDisconnects, v.tenant.ID, cmp.Or(string(code), "client"), 1)
	}
}

// sayGoodbye calls the last hook of a connection that has left, and gives its seat back: not before, so that hooks which do
// not return hold up no more than their tenant's connections.
func (v *guest) sayGoodbye(code realtime.Code) {
	defer v.seat.Close()
	if v.g.o.Hooks == nil || v.conn == nil {
		return
	}
	_, _ = guard(v.g, "disconnect", func(ctx context.Context) (struct{}, error) {
		v.g.o.Hooks.Disconnect(ctx, v.client(), code)
		return struct{}{}, nil
	}) // it has logged what went wrong, and nobody is left to be told
}

// whileHere does something unless the guest has left: then it must not be done.
func (v *guest) whileHere(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.left {
		do()
	}
}

// renew gives the guest the principal of a newer token, with what the Connect hook added to
// the first. The Hub tells the client what it may not have any more.
func (v *guest) renew(ctx context.Context, p *realtime.Principal) (err error) {
	t, refused := v.g.judge(ctx, p, v.page)
	if refused != nil {
		return refused
	}
	v.whileHere(func() {
		if _, err = v.conn.Renew(v.added.extend(p)); err != nil {
			return
		}
		v.g.watch.renewed(v, t)
		if v.g.roll != nil {
			v.g.roll.update(v.document())
		}
	})
	return err
}

// subscribe asks the program and then the Hub for a channel. The answer comes with the data.
func (v *guest) subscribe(id wire.ID, ch realtime.Channel, since realtime.Position, asOf int64) error {
	if v.g.o.Hooks != nil && v.conn.Principal().May(realtime.ActionSubscribe, ch) {
		_, refused := guard(v.g, "subscribe", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, v.g.o.Hooks.Subscribe(ctx, v.client(), ch)
		})
		if refused != nil {
			return refused
		}
	}
	var err error
	v.whileHere(func() {
		err = v.g.hub.Subscribe(v.conn, hub.SubscribeRequest{ID: string(id), Channel: ch, Since: since, AsOf: asOf})
	})
	return err
}

// document is what the registry keeps of the connection.
func (v *guest) document() realtime.ConnectionDoc {
	p := v.conn.Principal()
	ends := time.Now().Add(maxConnectionDoc)
	if p.Expires.Before(ends) {
		ends = p.Expires
	}
	return realtime.ConnectionDoc{
		Tenant: p.Tenant, ID: v.conn.ID(), User: p.User, Groups: p.Groups, Instance: v.g.o.Instance,
		Meta: v.meta(), Remote: v.remote, Connected: v.since, Expires: ends,
	}
}

// client is the connection as hooks see it.
func (v *guest) client() *Client {
	return &Client{ID: v.conn.ID(), Principal: v.conn.Principal(), Meta: v.meta()}
}

func (v *guest) meta() map[string]string {
	if v.added == nil {
		return nil
	}
	return v.added.Meta
}

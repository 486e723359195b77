package clients

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Session is the connection of a client, as far as a Set decides about it.
type Session interface {
	// Close tells the client why and ends its connection. It does not wait.
	Close(err *realtime.Error)
	// SetLimits puts the limits of a newer document in force. The client has been welcomed.
	SetLimits(l realtime.Limits)
}

// Client is a client that was admitted, on a socket or a stream of events. Its methods but Join, Leave and Disconnected need
// a Client that has joined; they are safe for concurrent use.
type Client struct {
	admission.Admitted // Tenant as it was when the client came, Document has the one in force; Principal until Join

	set          *Set
	conn         *hub.Connection  // by Join
	session      Session          // by Join
	checkedBy    *realtime.Tenant // the document by which its token was found good last; guarded by Set.mu once it has joined
	unknownSince time.Time        // since when nobody can tell whether its token is good; Set.recheck's alone

	mu   sync.Mutex // guards left
	left bool
}

// maxDocumentAge is how long a connection document lasts at most: the 60
// minutes that Cloud Run gives a request, and some.
const maxDocumentAge = 65 * time.Minute

// New returns a Client, which has to leave and then be disconnected.
func (s *Set) New(a *admission.Admitted) *Client {
	return &Client{set: s, Admitted: *a, checkedBy: a.Tenant}
}

// Join connects the client to the Hub and registers its connection. kind is what metrics say of it.
func (c *Client) Join(box *outbox.Outbox, tr outbox.Transport, session Session, kind realtime.Reason) *realtime.Error {
	o := &c.set.o
	conn, err := o.Hub.Connect(c.Tenant, c.Principal, box, tr)
	if err != nil {
		return o.Reporter.Report(o.Life, "connecting", err)
	}
	c.conn, c.session, c.Principal = conn, session, nil // from here on the principal is the connection's, and may be renewed
	if err := o.Registration.Add(c.document()); err != nil {
		o.Hub.Disconnect(conn)
		c.conn = nil
		return o.Reporter.Report(o.Life, "registering a connection", err)
	}
	c.set.add(c)
	o.Metrics.Add(realtime.CountConnects, c.Tenant.ID, kind, 1)
	return nil
}

// Connection is the client's connection of the Hub.
func (c *Client) Connection() *hub.Connection { return c.conn }

// Document is the tenant's document in force.
func (c *Client) Document() *realtime.Tenant { return c.conn.Tenant() }

// Leave ends what Join began. code says why, and is empty if the client left.
func (c *Client) Leave(code realtime.Code) {
	c.mu.Lock()
	c.left = true
	c.mu.Unlock()
	if c.conn == nil {
		return
	}
	o := &c.set.o
	c.set.remove(c)
	o.Hub.Disconnect(c.conn)
	o.Registration.Remove(realtime.ConnectionRef{Tenant: c.Tenant.ID, ID: c.conn.ID()})
	o.Metrics.Add(realtime.CountDisconnects, c.Tenant.ID, cmp.Or(realtime.Reason(code), realtime.ReasonClient), 1)
}

// Disconnected calls the last hook of a client that has left, and gives its seat back: not before, so that hooks which do
// not return hold up no more than their tenant's connections.
func (c *Client) Disconnected(code realtime.Code) {
	defer c.Seat.Close()
	if c.conn != nil && c.asks(hook.EventDisconnect, "") {
		c.set.o.Hooks.Disconnect(c.Hooked(), code)
	}
}

// unlessLeft does something unless the client has left: then it must not be done.
func (c *Client) unlessLeft(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		do()
	}
}

// Renew gives the client the principal of a newer token, with what the Connect hook added to
// the first. The Hub tells the client what it may not have any more.
func (c *Client) Renew(ctx context.Context, p *realtime.Principal) (err error) {
	o := &c.set.o
	t, refused := o.Admission.Check(ctx, p, c.Page)
	if refused != nil {
		return refused
	}
	c.unlessLeft(func() {
		if _, err = c.conn.Renew(c.Added.Extend(p)); err != nil {
			return
		}
		c.set.renewed(c, t)
		o.Registration.Update(c.document())
	})
	return err
}

// Subscribe asks the program and then the Hub for a channel. The answer comes with the data.
func (c *Client) Subscribe(r hub.SubscribeRequest) (err error) {
	o := &c.set.o
	if c.asks(hook.EventSubscribe, r.Channel.Name()) && c.conn.Principal().May(realtime.ActionSubscribe, r.Channel) {
		if refused := o.Hooks.Subscribe(c.Hooked(), r.Channel); refused != nil {
			return refused
		}
	}
	c.unlessLeft(func() { err = o.Hub.Subscribe(c.conn, r) })
	return err
}

// History asks the program, as for a subscribe, and then the Hub for a page of what was published to a channel.
func (c *Client) History(ctx context.Context, r *history.Request) (*history.Page, error) {
	o := &c.set.o
	if c.asks(hook.EventSubscribe, r.Channel.Name()) && c.conn.Principal().May(realtime.ActionHistory, r.Channel) {
		if refused := o.Hooks.Subscribe(c.Hooked(), r.Channel); refused != nil {
			return nil, refused
		}
	}
	return hub.History(ctx, c.conn, r)
}

// SubscribePattern asks the program and then the Hub for all channels that a pattern selects.
func (c *Client) SubscribePattern(r *hub.PatternRequest) (err error) {
	o := &c.set.o
	if c.asks(hook.EventSubscribe, string(r.Pattern)) && c.conn.Principal().MayAll(realtime.ActionSubscribe, r.Pattern) {
		if refused := o.Hooks.SubscribePattern(c.Hooked(), r.Pattern); refused != nil {
			return refused
		}
	}
	c.unlessLeft(func() {
		if refused := hub.SubscribePattern(c.conn, r); refused != nil {
			err = refused
		}
	})
	return err
}

// Welcome is what the client is told when it has joined.
func (c *Client) Welcome(limits realtime.Limits) wire.Session {
	p, o := c.conn.Principal(), &c.set.o
	return wire.Session{
		Connection: c.conn.ID(), User: p.User, Tenant: p.Tenant, Instance: o.Instance,
		Expires: p.Expires, Limits: limits, Heartbeat: o.Hub.Pace().Heartbeat, Version: o.Version,
	}
}

// asks reports whether a hook is to be called about something that the client wants.
func (c *Client) asks(e hook.Event, subject string) bool {
	return c.set.o.Hooks.Wants(hook.Question{Tenant: c.Document(), Event: e, Subject: subject})
}

// Hooked is the client as hooks see it.
func (c *Client) Hooked() *hook.Client {
	return &hook.Client{ID: c.conn.ID(), Tenant: c.Document(), Principal: c.conn.Principal(), Meta: c.meta()}
}

// document is what the registry keeps of the connection.
func (c *Client) document() realtime.ConnectionDoc {
	p := c.conn.Principal()
	ends := time.Now().Add(maxDocumentAge)
	if p.Expires.Before(ends) {
		ends = p.Expires
	}
	return realtime.ConnectionDoc{
		Tenant: p.Tenant, ID: c.conn.ID(), User: p.User, Groups: p.Groups, Instance: c.set.o.Instance,
		Meta: c.meta(), Remote: c.Remote, Connected: c.Since, Expires: ends,
	}
}

func (c *Client) meta() map[string]string {
	if c.Added == nil {
		return nil
	}
	return c.Added.Meta
}

package tidewire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/connection"
	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/loop"
	"github.com/tidewire/tidewire/clients/go/internal/publishing"
	"github.com/tidewire/tidewire/realtime"
)

// Client is a connection to a gateway that comes back when it is lost. Close it.
type Client struct {
	o    Options
	loop *loop.Loop    // it ends with Close
	room chan struct{} // an element for each publish and call that is pending
	live chan struct{} // closed with the first welcome

	// What follows belongs to the loop.
	state      State
	connection *connection.Connection
	feeds      map[feedKey]*feed
	subs       int           // that were given out to tell feeds apart
	direct     *Subscription // nil: nobody wants what is sent to the connection
	recent     cursor.Cursor // of what was sent to the connection
	out        *publishing.Line
	waiting    []*link.Question // for a connection
}

// Phase is what a Client is doing.
type Phase string

// The phases of a Client. Before Connect it has none.
const (
	PhaseConnecting Phase = "connecting" // also after a loss
	PhaseWaiting    Phase = "waiting"    // to connect again at Until, because of Err
	PhaseLive       Phase = "live"
	PhaseEnded      Phase = "ended" // for good, because of Err
)

// State is what a Client is doing, and what it knows of its connection.
type State struct {
	Phase Phase
	Err   error     // of PhaseWaiting and PhaseEnded; its code is that of the server (realtime.CodeOf)
	Tries int       // since the last connection that lived for some seconds
	Until time.Time // of PhaseWaiting

	// Of the last welcome:
	Connection, Instance, User, Tenant, Version string
}

// Connect opens a Client and connects it: New, and then Client.Connect.
func Connect(ctx context.Context, o Options) (*Client, error) {
	c, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// New returns a Client that does not connect yet. The channels that it is to read from its first frame on can be subscribed to
// before Connect. Close it.
func New(o Options) (*Client, error) {
	url, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		o: o, loop: loop.New(), feeds: map[feedKey]*feed{},
		room: make(chan struct{}, o.MaxPending), live: make(chan struct{}),
	}
	c.connection = connection.New(connection.Options{
		URL: url, Token: o.Token, Header: o.Header, ConnectTimeout: o.ConnectTimeout, Once: o.Once, Dial: o.dial,
	}, c.loop, owner{c})
	c.out = publishing.New(c.loop, c.connection.Live, o.Once)
	c.loop.Run(c.finish)
	return c, nil
}

// Connect connects for the first time. It returns with the first welcome, or the error of a server that refuses for good, or of ctx: then the Client is
// closed. The end of ctx after that means nothing to the Client.
func (c *Client) Connect(ctx context.Context) error {
	c.loop.Do(c.connection.Start)
	select {
	case <-c.live:
		return nil
	case <-c.Done():
		c.loop.Wait()
		return c.Err()
	case <-ctx.Done():
	}
	last := c.lastError()
	c.Close()
	if last == nil {
		return fmt.Errorf("connecting to %s: %w", c.o.URL, context.Cause(ctx))
	}
	return fmt.Errorf("connecting to %s: %w: %w", c.o.URL, context.Cause(ctx), last)
}

// Close ends the connection and every Subscription, and returns when nothing of the Client is left. What is pending fails.
func (c *Client) Close() {
	c.loop.End(ErrClosed)
	c.loop.Wait()
}

// Done is closed when the Client has ended: by Close, or because the server has refused it for good.
func (c *Client) Done() <-chan struct{} { return c.loop.Context().Done() }

// Err says why the Client has ended; nil: it has not.
func (c *Client) Err() error {
	return c.loop.Err()
}

// State returns what the Client is doing.
func (c *Client) State() State {
	var s State
	if !c.loop.Ask(func() { s = c.state }) {
		return State{Phase: PhaseEnded, Err: c.Err()}
	}
	return s
}

func (c *Client) lastError() (err error) {
	c.loop.Ask(func() { err = c.state.Err })
	return err
}

// finish lets everything go.
func (c *Client) finish() {
	why := c.Err()
	if !errors.Is(why, ErrClosed) {
		c.o.Logger.ErrorContext(c.loop.Context(), "the client has ended", realtime.KeyError, why)
	}
	c.connection.End(why)
	for _, f := range c.feeds {
		f.end(why)
	}
	clear(c.feeds)
	if c.direct != nil {
		c.direct.queue.end(why)
	}
	c.out.End(why)
	for _, q := range c.waiting {
		q.Done(nil, why)
	}
	c.waiting = nil
	c.set(State{Phase: PhaseEnded, Err: why})
}

// set changes the State, and keeps what is known of the connection.
func (c *Client) set(s State) {
	if s.Connection == "" {
		s.Connection, s.Instance, s.User, s.Tenant, s.Version = c.state.Connection, c.state.Instance, c.state.User, c.state.Tenant, c.state.Version
	}
	s.Tries = c.connection.Tries()
	c.state = s
	c.o.OnState(s)
}

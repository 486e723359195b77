package tidewire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/realtime"
)

// Client is a connection to a gateway that comes back when it is lost. Close it.
type Client struct {
	o    Options
	url  string
	life context.Context //nolint:containedctx // that of the loop and of all that it starts; it ends with Close
	end  context.CancelCauseFunc
	mail chan func() // what the loop does next
	busy sync.WaitGroup
	room chan struct{} // an element for each publish and call that is pending
	live chan struct{} // closed with the first welcome

	// What follows belongs to the loop.
	state   State
	tokens  tokens
	links   links
	retries retries
	feeds   map[feedKey]*feed
	subs    int           // that were given out to tell feeds apart
	direct  *Subscription // nil: nobody wants what is sent to the connection
	recent  cursor.Cursor // of what was sent to the connection
	out     publishing
	waiting []*question // for a connection
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
		o: o, url: url, mail: make(chan func()), feeds: map[feedKey]*feed{},
		room: make(chan struct{}, o.MaxPending), live: make(chan struct{}),
	}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.out.c = c
	c.busy.Go(c.run)
	return c, nil
}

// Connect connects for the first time. It returns with the first welcome, or the error of a server that refuses for good, or of ctx: then the Client is
// closed. The end of ctx after that means nothing to the Client.
func (c *Client) Connect(ctx context.Context) error {
	c.do(func() {
		if c.links.count == 0 {
			c.connect()
		}
	})
	select {
	case <-c.live:
		return nil
	case <-c.life.Done():
		c.busy.Wait()
		return c.Err()
	case <-ctx.Done():
	}
	last := c.lastError()
	c.Close()
	if last == nil {
		return fmt.Errorf("connecting to %s: %w", c.url, context.Cause(ctx))
	}
	return fmt.Errorf("connecting to %s: %w: %w", c.url, context.Cause(ctx), last)
}

// Close ends the connection and every Subscription, and returns when nothing of the Client is left. What is pending fails.
func (c *Client) Close() {
	c.end(ErrClosed)
	c.busy.Wait()
}

// Done is closed when the Client has ended: by Close, or because the server has refused it for good.
func (c *Client) Done() <-chan struct{} { return c.life.Done() }

// Err says why the Client has ended; nil: it has not.
func (c *Client) Err() error {
	if c.life.Err() == nil {
		return nil
	}
	return context.Cause(c.life)
}

// State returns what the Client is doing.
func (c *Client) State() State {
	var s State
	if !c.ask(func() { s = c.state }) {
		return State{Phase: PhaseEnded, Err: c.Err()}
	}
	return s
}

func (c *Client) lastError() (err error) {
	c.ask(func() { err = c.state.Err })
	return err
}

// do has the loop do something, and returns false if the Client has ended. The loop itself must not call it.
func (c *Client) do(f func()) bool {
	select {
	case c.mail <- f:
		return true
	case <-c.life.Done():
		return false
	}
}

// ask is do, and waits until it is done.
func (c *Client) ask(f func()) bool {
	done := make(chan struct{})
	return c.do(func() {
		f()
		close(done)
	}) && wait(done)
}

func wait(done chan struct{}) bool {
	<-done
	return true
}

// run is the loop: all that a Client knows is changed here, so that nothing needs a lock.
func (c *Client) run() {
	for {
		select {
		case f := <-c.mail:
			f()
		case <-c.life.Done():
			c.finish()
			return
		}
	}
}

// after has the loop do something later, unless the timer is stopped before.
func (c *Client) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { c.do(f) })
}

// begin starts a goroutine that Close waits for.
func (c *Client) begin(f func()) { c.busy.Go(f) }

// fail ends the Client for good.
func (c *Client) fail(err error) { c.end(err) }

// finish lets everything go.
func (c *Client) finish() {
	why := c.Err()
	if !errors.Is(why, ErrClosed) {
		c.o.Logger.ErrorContext(c.life, "the client has ended", realtime.KeyError, why)
	}
	c.retries.stop()
	c.tokens.stop()
	for _, l := range c.links.all() {
		l.drop(why)
	}
	c.links = links{}
	for _, f := range c.feeds {
		f.end(why)
	}
	clear(c.feeds)
	if c.direct != nil {
		c.direct.queue.end(why)
	}
	c.out.end(why)
	for _, q := range c.waiting {
		q.done(nil, why)
	}
	c.waiting = nil
	c.set(State{Phase: PhaseEnded, Err: why})
}

// set changes the State, and keeps what is known of the connection.
func (c *Client) set(s State) {
	if s.Connection == "" {
		s.Connection, s.Instance, s.User, s.Tenant, s.Version = c.state.Connection, c.state.Instance, c.state.User, c.state.Tenant, c.state.Version
	}
	s.Tries = c.retries.count
	c.state = s
	c.o.OnState(s)
}

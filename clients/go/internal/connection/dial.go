package connection

import (
	"context"
	"errors"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/token"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
)

// dialed is what came of a try to connect.
type dialed struct {
	conn  link.Conn
	token string
	err   *realtime.Error
	stop  bool // there is no other token
}

// dial has a token and opens a WebSocket, beside the loop.
func (c *Connection) dial(done func(dialed)) {
	have, refusedBefore := c.tokens.have, c.tokens.refused
	c.loop.Begin(func() {
		ctx, cancel := context.WithTimeout(c.loop.Context(), c.o.ConnectTimeout)
		defer cancel()
		current, err := c.token(ctx, have, refusedBefore)
		if err != nil {
			stop := errors.Is(err, token.ErrNone)
			c.loop.Do(func() {
				done(dialed{err: &realtime.Error{Code: realtime.CodeUnauthorized, Message: "no token can be had", Err: err}, stop: stop})
			})
			return
		}
		conn, err := c.open(ctx)
		if err != nil {
			c.loop.Do(func() { done(dialed{err: verdict.Unreached(err)}) })
			return
		}
		if !c.loop.Do(func() { done(dialed{conn: conn, token: current}) }) {
			_ = conn.Close() // nobody has used it
		}
	})
}

// open opens a WebSocket that outlives the context, which bounds the handshake.
func (c *Connection) open(ctx context.Context) (link.Conn, error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx)) // not that of the client, whose end would cut the close frame off
	detach := context.AfterFunc(ctx, cancel)
	conn, err := c.o.Dial(own, c.o.URL, c.o.Header)
	if err != nil || !detach() {
		cancel()
		if conn != nil {
			_ = conn.Close() // it came too late
		}
		return nil, errors.Join(err, context.Cause(ctx))
	}
	return &detached{conn, cancel}, nil
}

// detached is a Conn with a context of its own.
type detached struct {
	link.Conn
	cancel context.CancelFunc
}

// Close ends both.
func (d *detached) Close() error {
	err := d.Conn.Close()
	d.cancel()
	return err
}

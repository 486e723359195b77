package probe

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// holder keeps the sockets of the last runs open. A gateway follows a tenant's topic while it holds a socket of it, and lets it go soon after
// the last one: without this each run of a tenant that has no other clients has a subscription made and its replay begun anew, some
// 130,000 times a month, and Pub/Sub may take a minute for it. It is safe for concurrent use.
//
// The function has no CPU between its runs. That is no harm: a socket stays open without it, each run shows the gateway that the client
// lives, and a gateway closes what has been silent for a minute.
type holder struct {
	most int

	mu    sync.Mutex
	conns []*conn // guarded by mu; the oldest first
}

// conn is a socket that can outlive the run that opened it.
type conn struct {
	*socket.Client
	cancel context.CancelFunc // ends the socket's own context
	detach func() bool        // lets it outlive that of the run
}

// dial opens a socket. It ends with the context, unless it is detached before.
func dial(ctx context.Context, url string, subprotocols ...string) (*conn, error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, cancel)
	client, err := socket.Dial(own, url, http.Header{}, subprotocols...)
	if err != nil {
		detach()
		cancel()
		return nil, err
	}
	return &conn{client, cancel, detach}, nil
}

// Close ends the socket.
func (c *conn) Close() error {
	err := c.Client.Close()
	c.detach()
	c.cancel()
	return err
}

// keep takes over the socket of a run that is over. The oldest is closed if there are too many.
func (h *holder) keep(c *conn) error {
	c.detach()
	h.mu.Lock()
	h.conns = append(h.conns, c)
	var gone *conn
	if len(h.conns) > h.most {
		gone, h.conns = h.conns[0], h.conns[1:]
	}
	h.mu.Unlock()
	if gone == nil {
		return nil
	}
	return gone.Close()
}

// ping shows that the client of each socket lives. One that cannot be written to has been closed.
func (h *holder) ping() {
	frame := wire.ClientFrame{Type: wire.TypePing}
	ping := frame.AppendJSON(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	open := h.conns[:0]
	for _, c := range h.conns {
		if c.Write(ping) != nil {
			_ = c.Close() // it is closed already
			continue
		}
		open = append(open, c)
	}
	clear(h.conns[len(open):])
	h.conns = open
}

// close closes all of them.
func (h *holder) close() error {
	h.mu.Lock()
	conns := h.conns
	h.conns = nil
	h.mu.Unlock()
	var all []error
	for _, c := range conns {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

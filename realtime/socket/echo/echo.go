package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
)

// beatEvery is how often clients are pinged.
const beatEvery = 25 * time.Second

// echoes accepts clients and sends them what they send.
type echoes struct {
	acceptor *socket.Acceptor

	mu    sync.Mutex // guards conns
	conns map[*echo]struct{}
}

func newEchoes(o socket.Options) *echoes {
	return &echoes{acceptor: socket.NewAcceptor(o), conns: map[*echo]struct{}{}}
}

// ServeHTTP returns as soon as the client is accepted.
func (e *echoes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := e.acceptor.Accept(w, r)
	if err != nil {
		return // the client has been told
	}
	c := &echo{all: e, conn: conn, outbox: outbox.New(nil, &outbox.Limits{})}
	e.mu.Lock()
	e.conns[c] = struct{}{}
	e.mu.Unlock()
	conn.Start(context.Background(), c.outbox, c)
}

// beat pings all clients until ctx ends.
func (e *echoes) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, c := range e.list() {
				if !c.conn.Beat(now) {
					c.conn.Shut(realtime.Errorf(realtime.CodeTimeout, "no sign of life in time"))
				}
				c.conn.Flush()
			}
		}
	}
}

// shut closes all connections and waits for them.
func (e *echoes) shut() {
	all := e.list()
	for _, c := range all {
		c.conn.Shut(realtime.Errorf(realtime.CodeDraining, "the server is stopping"))
	}
	for _, c := range all {
		c.conn.Wait()
	}
}

func (e *echoes) list() []*echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*echo, 0, len(e.conns))
	for c := range e.conns {
		all = append(all, c)
	}
	return all
}

// echo is one client.
type echo struct {
	all    *echoes
	conn   *socket.Conn
	outbox *outbox.Outbox
}

// Message sends a text back.
func (c *echo) Message(payload []byte) *realtime.Error { return c.send(socket.Text, payload) }

// Binary sends bytes back.
func (c *echo) Binary(payload []byte) *realtime.Error { return c.send(socket.Binary, payload) }

// send queues a message and reads on only when it has been taken from the queue, which holds
// back a client that sends faster than it reads.
func (c *echo) send(op socket.Opcode, payload []byte) *realtime.Error {
	c.outbox.Push(&outbox.Delivery{Frame: socket.NewFrame(op, payload)})
	c.conn.Flush()
	for pause := time.Millisecond; !c.outbox.Idle(); pause = min(2*pause, 50*time.Millisecond) {
		time.Sleep(pause) // ends at the latest with the connection, which empties the queue
	}
	return nil
}

// Closed forgets the client.
func (c *echo) Closed(int, error) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	delete(c.all.conns, c)
}

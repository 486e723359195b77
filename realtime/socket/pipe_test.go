package socket

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// pipe accepts a client over a connection in memory, which has no descriptor to write to
// without blocking. It works in a synctest bubble.
func pipe(t testing.TB, o Options, prepare func(*session)) (*client, *session, *countingConn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	counting := &countingConn{Conn: near}
	started := make(chan *session)
	go func() {
		defer close(started)
		r, err := http.ReadRequest(bufio.NewReader(near))
		if err != nil {
			t.Error(err)
			return
		}
		conn, err := NewAcceptor(o).Accept(&hijackable{conn: counting}, r)
		if err != nil {
			t.Error(err)
			return
		}
		x := newSession(conn)
		if prepare != nil {
			prepare(x)
		}
		counting.writes.Store(0)
		conn.Start(x.ctx, x.outbox, x.handler)
		started <- x
	}()
	c := newClient(t, far)
	if res := c.shakeHands(); res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d, want 101", res.StatusCode)
	}
	x := <-started
	if x == nil {
		t.FailNow()
	}
	return c, x, counting
}

type countingConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// hijackable is a ResponseWriter that does nothing but hand its connection over.
type hijackable struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

package schedule

import (
	"sync/atomic"
	"testing"
)

// client is a connection as the tests have it: with bytes that wait, and its own opinion of how a Scheduler treats it.
type client struct {
	Connection
	t       testing.TB
	queued  atomic.Int64
	written atomic.Int64
	inside  atomic.Bool
	flushes atomic.Int64
	during  func() // what else happens while it is flushed; nil is nothing
}

func newClient(t testing.TB, of *Tenant) *client {
	c := &client{t: t}
	c.Bind(of, c)
	return c
}

func (c *client) Flush() {
	if c.inside.Swap(true) {
		c.t.Error("a connection is flushed twice at a time")
	}
	c.flushes.Add(1)
	c.written.Add(c.queued.Swap(0))
	if c.during != nil {
		c.during()
	}
	c.inside.Store(false)
}

func (c *client) Written() int64 { return c.written.Load() }

// queue queues bytes. It reports whether the connection has to be handed over.
func (c *client) queue(bytes int) bool {
	c.queued.Add(int64(bytes))
	return c.Mark()
}

// left is how many bytes wait of all.
func left(all []*client) (bytes int64) {
	for _, c := range all {
		bytes += c.queued.Load()
	}
	return bytes
}

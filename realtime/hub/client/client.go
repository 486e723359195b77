// Package client is what the channels of a topic know of a connection, its Client, and what is to be done with Clients because of what has happened
// in the channels: Given gathers which have been given something and are to be flushed, and which are to be closed.
//
// Frames go to the queue of a Client at once. What of its subscriptions has missed more than there is room for waits, each for its turn. All of it
// is guarded by the lock of whoever has the channels.
package client

import (
	"sync/atomic"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/turns"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Conn is the connection of a Client, as channels see it.
type Conn interface {
	Tenant() *realtime.Tenant
	Principal() *realtime.Principal
}

// Client is what channels know of a connection: its queue, and the protocol that it speaks.
type Client struct {
	Conn     Conn
	Box      *outbox.Outbox
	Protocol *protocol.Protocol
	Schedule schedule.Connection // its turn to be flushed

	readers atomic.Uint32             // that it has had
	behind  turns.Turns[Subscription] // whose replays wait for room in the Box
	marked  uint32                    // Given.hold when it was last put into Given.Queued
	ahead   int                       // bytes that were queued since, and aheadFrame at least for each frame
}

// Subscription is one of a Client that has not been given everything. It is comparable.
type Subscription interface {
	// Refill queues more of what was missed. It reports whether that was all: then the Subscription has been dropped.
	Refill() bool
}

// Number returns a number that no other subscription of the Client has had. It may be called without the lock.
func (c *Client) Number() uint32 { return c.readers.Add(1) }

// Next is whose turn it is of those that wait to be given more of what they have missed.
func (c *Client) Next() (s Subscription, ok bool) { return c.behind.Next(outbox.Given(c.Box)) }

// Waits reports whether any does.
func (c *Client) Waits() bool { return c.behind.Len() > 0 }

// Wait has a subscription given more when its turn has come, and there is room.
func (c *Client) Wait(s Subscription) {
	given, atOnce := outbox.Given(c.Box)
	c.behind.Wait(s, given, atOnce)
}

// Drop says that a subscription does not wait any more.
func (c *Client) Drop(s Subscription) {
	given, _ := outbox.Given(c.Box)
	c.behind.Drop(s, given)
}

// Refill queues more of the replays of a Client, each in its turn, for its writer, who calls it.
func (c *Client) Refill(g *Given) {
	g.refilling = c
	defer func() { g.refilling = nil }()
	for s, ok := c.Next(); ok; s, ok = c.Next() {
		if !s.Refill() {
			c.Wait(s)
			return
		}
	}
	c.Box.EndReplays()
}

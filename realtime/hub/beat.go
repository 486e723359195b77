package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/internal/spread"
)

// movesWithin is how long a client may wait before it moves.
const movesWithin = 5 * time.Second

// schedule enters a connection in the agenda for what is next to be done for it. f.mu is held.
func (f *feed) schedule(c *Connection) {
	at := c.beatAt
	for _, other := range []time.Time{c.flushAt, c.moveAt} {
		if !other.IsZero() && other.Before(at) {
			at = other
		}
	}
	if ends := c.Principal().Expires; ends.Before(at) {
		at = ends
	}
	f.hub.agenda.Set(c, at)
}

// attend does what is due for a connection: it is over, is to move, or is to have a heartbeat.
//
// A heartbeat is queued and not written: data that comes within the grace takes it along, and one
// write does instead of two. It goes before that data, so what it says of the moment up to which
// all has been handed over is true when it is read.
func (c *Connection) attend(now time.Time) {
	if err := contain.Do(c.hub.log, c.hub.count, contain.Connection, func() { c.feed.due(c, now).do(c, now) }, realtime.KeyConnection, c); err != nil {
		c.Close(err)
	}
}

// due is what is to be done for a connection.
type due struct{ ends, moves, beats, flushes bool }

// do does it.
func (d due) do(c *Connection, now time.Time) {
	if d.ends {
		c.Close(realtime.Errorf(realtime.CodeExpired, "the token has expired; get a new one and connect again"))
		return
	}
	if d.beats && !c.beat(now) {
		c.Close(realtime.Errorf(realtime.CodeTimeout, "no sign of life in time"))
		return
	}
	if d.moves {
		c.Move(spread.Part(movesWithin, c.id))
	}
	if d.flushes {
		c.flush()
	}
}

// handedTo is the moment up to which everything has been handed to a connection, of all up to a moment: less, while a reader at a rate, or one
// that is paused, has yet to be given some of it.
func handedTo(c *Connection, up int64) int64 {
	c.mu.Lock()
	for _, r := range c.readers {
		up = channel.Handed(r, up)
	}
	c.mu.Unlock()
	for _, s := range c.patterns {
		for _, r := range s.Readers() {
			up = channel.Handed(r, up)
		}
	}
	return up
}

// due says what is due for a connection, queues its heartbeat and enters what is due next.
func (f *feed) due(c *Connection, now time.Time) due {
	f.lock()
	defer f.unlock()
	if c.index < 0 || f.stopped {
		return due{}
	}
	if !c.Principal().Expires.After(now) {
		return due{ends: true}
	}
	d := due{
		moves:   !c.moveAt.IsZero() && !c.moveAt.After(now),
		beats:   !c.beatAt.After(now),
		flushes: !c.flushAt.IsZero() && !c.flushAt.After(now),
	}
	if d.moves {
		c.moveAt = time.Time{}
	}
	if d.flushes {
		c.flushAt = time.Time{}
	}
	if d.beats {
		c.beatAt = now.Add(f.pace.Heartbeat)
		c.flushAt = now.Add(f.pace.Grace())
		var asOf int64
		if up := f.vouch(); c.owed.Load() == 0 && c.client.Box.Idle() {
			asOf = handedTo(c, up)
		}
		if !c.client.Box.Control(c.client.Protocol.Heartbeat(realtime.Position{Time: asOf})) {
			f.fx.Close(&c.client, nil)
		}
	}
	f.schedule(c)
	return d
}

package realtime

import "time"

// movesWithin is how long a client may wait before it moves.
const movesWithin = 5 * time.Second

// grace is how long a heartbeat waits for a write that it can join.
func (p Pace) grace() time.Duration { return p.Heartbeat / 10 }

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
	f.hub.agenda.set(c, at)
}

// attend does what is due for a connection: it is over, is to move, or is to have a heartbeat.
//
// A heartbeat is queued and not written: data that comes within the grace takes it along, and one
// write does instead of two. It goes before that data, so what it says of the moment up to which
// all has been handed over is true when it is read.
func (f *feed) attend(c *Connection, now time.Time) {
	f.lock()
	if c.index < 0 || f.stopped {
		f.unlock()
		return
	}
	if !c.Principal().Expires.After(now) {
		f.unlock()
		c.Close(Errorf(CodeExpired, "the token has expired; get a new one and connect again"))
		return
	}
	moves := !c.moveAt.IsZero() && !c.moveAt.After(now)
	beats := !c.beatAt.After(now)
	flushes := !c.flushAt.IsZero() && !c.flushAt.After(now)
	var asOf int64
	if moves {
		c.moveAt = time.Time{}
	}
	if flushes {
		c.flushAt = time.Time{}
	}
	if beats {
		c.beatAt = now.Add(f.pace.Heartbeat)
		c.flushAt = now.Add(f.pace.grace())
		if up := f.vouch(); c.owed.Load() == 0 && c.box.Idle() {
			asOf = up
		}
		if !c.box.Control(f.hub.o.Encoder.Heartbeat(Position{Time: asOf})) {
			f.closes = append(f.closes, closing{c, c.tooSlow()})
		}
	}
	f.schedule(c)
	f.unlock()

	if beats && !c.transport.Beat(now) {
		c.Close(Errorf(CodeTimeout, "no sign of life in time"))
		return
	}
	if moves {
		c.SendControl(f.hub.o.Encoder.Move(spread(movesWithin, c.id).Milliseconds()))
	}
	if flushes {
		c.transport.Flush()
	}
}

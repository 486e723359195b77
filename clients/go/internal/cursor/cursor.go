// Package cursor is where a subscription stands in its channels, whatever connections bring them: what it has had, and what may come again.
// Nothing in it is safe for concurrent use.
package cursor

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Cursor is where a subscription stands in one channel.
type Cursor struct {
	Channel  string
	Position realtime.Position // of the newest that it has had
	// Owed says that the server was told the Position by name, and has not answered.
	Owed bool
	// With state: View is by what was shown what it has had, and Asked what the server was told of that. Partial says that nobody knows what of the state
	// it has, until the end of a snapshot: there is no Position to go on from.
	View, Asked string
	Partial     bool
	recent      recent
	// A new connection may repeat what the one before has brought: what is older than floor, until then.
	floor      int64
	floorUntil time.Time
	doubt      bool // what is not newer than floor may have been had, or not
}

// repeatsWithin is how long a connection may repeat what the one before it has brought.
const repeatsWithin = 30 * time.Second

// Repeats says that what is older than Position may come again, by another connection.
func (u *Cursor) Repeats(now time.Time) {
	u.floor, u.floorUntil = u.Position.Time, now.Add(repeatsWithin)
}

// Follows says that what comes next is what is behind Position.
func (u *Cursor) Follows() { u.floor, u.doubt = 0, false }

// Break goes on somewhere else: the sequence is broken there.
func (u *Cursor) Break(at realtime.Position) {
	u.Position = at
	u.Follows()
}

// Verdict is what a message is to a Cursor.
type Verdict int

// The verdicts on a message.
const (
	Next     Verdict = iota // behind what it has had, unless Seen says otherwise
	Repeated                // had already
	Unclear                 // had already or not, as is forgotten
)

// Judge says what a message is, by its Position.
func (u *Cursor) Judge(at realtime.Position, now time.Time) Verdict {
	switch {
	case u.doubt && at.Time <= u.floor:
		u.Position = at
		return Unclear
	case at.Time < u.floor && now.Before(u.floorUntil):
		return Repeated
	}
	u.Follows()
	return Next
}

// Seen reports whether an ID is one of the last that came, and remembers it.
func (u *Cursor) Seen(id string) bool { return u.recent.seen(id) }

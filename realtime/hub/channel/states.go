package channel

// Phase is how far a stream has come.
//
//	            opened                 beacon came back
//	opening ------------> replaying -------------------> caughtUp
//	   |                      |                              ^
//	   |                      | not within Pace.Beacon       | beacon came back
//	   |                      v                              |
//	   |                   overdue ---------------------------
//	   |                      |
//	   v                      v
//	(tried again)         ended: from each of the three, when the stream ends
//
// A stream is replaced that has ended, whose beacon did not come back for long, or of which a fence or
// pulse did not come back within Pace.Fence. Until the next one is caught up, it goes on as far as its phase allows.
type Phase uint8

const (
	// PhaseOpening means that the beacon is being published and the stream opened. Nothing comes, and no fence can be sent.
	PhaseOpening Phase = iota
	// PhaseReplaying means that what is older comes mixed with what is new. No record can be made yet, and questions wait.
	PhaseReplaying
	// PhaseOverdue is as PhaseReplaying, but questions do not wait any longer: a fence answers them without a record.
	PhaseOverdue
	// PhaseCaughtUp means that the replay has begun, so that behind the next fence of a channel all of it has come.
	PhaseCaughtUp
	// PhaseEnded means that the stream has ended of itself.
	PhaseEnded
)

// Open reports whether messages come.
func (p Phase) Open() bool { return p == PhaseReplaying || p == PhaseOverdue || p == PhaseCaughtUp }

// State is what a Machine can say about its channel.
//
//	            a fence sent when caughtUp came back
//	buffering ---------------------------------------> live <-----------.
//	                                                    |               | a fence sent
//	                            the stream was broken,  |               | since came back
//	                            or a part is in doubt   v               |
//	                                                unverified ---------'
//
// A hole that a channel meets on its way from buffering to live leaves it unverified, and its stream is replaced: perhaps only this
// stream lacks something. Channels never go back to buffering: a new Set begins with new ones, and readers move
// to it channel by channel, when the new one is live and has come as far as they have.
type State uint8

const (
	// Buffering means that there is no record. What comes is buffered, in whatever order the replay brings it.
	Buffering State = iota
	// Live means that the record is made, and is complete as far as it says. What comes is delivered, and questions are answered at once.
	Live
	// Unverified is as Live, but nothing is answered before a fence has come back, because something may be missing.
	Unverified
)

// State says what can be said of the channel now. It is not stored as such: a broken stream makes all channels
// unverified at once, by one number.
func (m *Machine) State() State {
	switch {
	case !m.rec.Made():
		return Buffering
	case m.suspect():
		return Unverified
	}
	return Live
}

// ReaderState is how far a Reader has come.
//
//	admitted ----> asking ----> parked (buffering: answered by a fence, waits for the record at its Position)
//	                  |            |
//	                  |            v
//	                  +-------> replaying (is given the record from its Position on, as its client takes it)
//	                               |   ^
//	          it has been given all|   | moved to another record
//	                               v   |
//	                            reading ----> ahead (moved to a record that has not come as far as it)
//	                               ^            |
//	                               '------------' the record comes to its Position, or beyond: gap
//
// From each of them a reader is gone when it is unsubscribed, refused or disconnected. One that has moved from another record may
// be parked, replaying or ahead there.
type ReaderState uint8

const (
	// Admitted means that its connection has it, and nothing has been asked yet.
	Admitted ReaderState = iota
	// Asking means that its question waits for an answer.
	Asking
	// Parked means that it has been answered, and the record is not made. It stands at a Position and is given nothing.
	Parked
	// Replaying means that it is given what it has missed, as far as its client takes it. What comes meanwhile it finds in the record.
	Replaying
	// Ahead means that it has seen more than the record that it has moved to has heard, and is given nothing until that has come as far.
	Ahead
	// Reading means that what comes is given to it at once.
	Reading
	// moving: between two records, within one hold of the lock.
	moving
	// Gone means that it has ended.
	Gone
)

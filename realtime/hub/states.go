package hub

// phase is how far a generation has come with its stream.
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
// The feed replaces a generation that has ended, whose beacon did not come back within seekTakes, or of which a fence or
// pulse did not come back within Pace.Fence. Until the next one is caught up, it goes on as far as its phase allows.
type phase uint8

const (
	// opening: the beacon is being published and the stream opened. Nothing comes, and no fence can be sent.
	opening phase = iota
	// replaying: what is older comes mixed with what is new. No record can be made yet, and questions wait.
	replaying
	// overdue: as replaying, but questions do not wait any longer: a fence answers them without a record.
	overdue
	// caughtUp: the replay has begun, so that behind the next fence of a channel all of it has come.
	caughtUp
	// ended: the stream has ended of itself.
	ended
)

// open reports whether messages come.
func (p phase) open() bool { return p == replaying || p == overdue || p == caughtUp }

// channelState is what a generation can say about one channel.
//
//	            a fence sent when caughtUp came back
//	buffering ---------------------------------------> live <-----------.
//	                                                    |               | a fence sent
//	                            the stream was broken,  |               | since came back
//	                            or a part is in doubt   v               |
//	                                                unverified ---------'
//
// A hole that a channel meets on its way from buffering to live leaves it unverified, and its generation is replaced: perhaps only this
// stream lacks something. Channels never go back to buffering: a new generation begins with new ones, and readers move
// to it channel by channel, when the new one is live and has come as far as they have.
//
// A reader of a channel, meanwhile:
//
//	asking ----> parked (buffering: answered by a fence, waits for the record at its Position)
//	   |            |
//	   |            v
//	   `-------> replaying (the record is given from its Position on, as the client takes it) ----> reading
//	                                  ahead (moved to a record that has not come as far as it) ----'
type channelState uint8

const (
	// buffering: there is no record. What comes is put aside, in whatever order the replay brings it.
	buffering channelState = iota
	// live: the record stands, and is complete as far as it says. What comes is delivered, and questions are answered at once.
	live
	// unverified: as live, but nothing is answered before a fence has come back, because something may be missing.
	unverified
)

// state says what can be said of the channel now. It is not stored as such: a broken stream makes all channels
// unverified at once, by one number.
func (ch *channel) state() channelState {
	switch {
	case !ch.rec.Made():
		return buffering
	case ch.suspect():
		return unverified
	}
	return live
}

package outbox

import "github.com/tidewire/tidewire/realtime"

// Encoder makes the frames of one protocol that the Hub sends. The Outbox of a connection has the one that
// the connection speaks. It is called once for all readers of a Publication that share it, with the lock of a
// topic held, so it must not block and must not call the Hub. Implementations keep no state and are safe for
// concurrent use. Package wire has the one of the socket protocol, package sse that of Server-Sent Events.
type Encoder interface {
	// Name tells protocols apart, as a WebSocket handshake does. A Hub takes Encoders of one name for equal.
	Name() string
	// Subscribed answers a subscribe. id is hub.SubscribeRequest.ID.
	Subscribed(id string, c realtime.Channel, a Answer) Frame
	// Refused answers a subscribe that is refused.
	Refused(id string, c realtime.Channel, err *realtime.Error) Frame
	// Message is a Publication, equal for all its readers. Its Data is as hub.Options.Payload returned it; p and its Tags
	// are good until Message returns. If the frame holds Data as it is, data is that part of the frame, and the record
	// keeps the bytes once; else it is nil.
	Message(p *realtime.Publication) (f Frame, data []byte)
	// Entry appends an entry of a Snapshot to those before it. p is as in Message; its Op may be OpDelete, OpExpire or OpLeave if the
	// Snapshot has changes. One that is Transient has no Position: nothing depends on it.
	Entry(b []byte, p *realtime.Publication) []byte
	// Snapshot is a part of the state of a channel.
	Snapshot(c realtime.Channel, s *Snapshot) Frame
	// Tuned tells how many flushes a second a subscription is given from now on, and why.
	Tuned(c realtime.Channel, maxRate float64, reason string) Frame
	// Viewed tells by which view the client is shown a channel with state from now on, or that what it has is by none: it must give
	// back the newest of these with its Position.
	Viewed(c realtime.Channel, view string) Frame
	// WithSub returns a frame of a subscription with the name that its client has given to it. f is not changed.
	WithSub(f Frame, sub string) Frame
	// Direct is an event for connections rather than for a channel, equal for all of them.
	Direct(p *realtime.Publication) Frame
	// Gap tells the readers of a channel that something before this was missed.
	Gap(c realtime.Channel, at realtime.Position) Frame
	// Dropped tells a slow reader how many of a channel's Publications its queue let go.
	Dropped(c realtime.Channel, count int) Frame
	// Presence tells who came and went.
	Presence(c realtime.Channel, p *Presence) Frame
	// Occupancy tells how many connections and users read a channel.
	Occupancy(c realtime.Channel, connections, users int) Frame
	// Ended tells a client that it has lost something that it had been granted.
	Ended(r realtime.Right, why *realtime.Error) Frame
	// EndedPattern tells that a subscription to a pattern has ended, and why.
	EndedPattern(pattern, sub string, why *realtime.Error) Frame
	// GapInPattern tells that something may be missing in any channel of a subscription to a pattern of which nothing is said.
	GapInPattern(pattern, sub string, at realtime.Position) Frame
	// Heartbeat shows that the connection lives; asOf is zero while it stands still.
	Heartbeat(asOf realtime.Position) Frame
	// Closing says why the connection is about to be closed.
	Closing(err *realtime.Error) Frame
	// Move asks the client to open another connection after a delay and leave this one.
	Move(afterMs int64) Frame
}

// Answer says how a subscription begins. What follows Position follows as
// ordinary messages.
type Answer struct {
	Resumed  bool              // nothing is missing since the client's Position
	Gap      bool              // something may be
	Position realtime.Position // where the client stands now
	State    bool              // the state follows, or what has changed of it
	Keys     int               // how many keys it has
	View     string            // of the state: by which view the client is shown it; empty: it is shown everything
	Reset    bool              // what the client has of it is to be forgotten
	Rewinds  bool              // it begins with what was published before, as it was asked for
	Rewound  int               // how many messages that is
	Complete bool              // nothing of what was asked for is missing
	MaxRate  float64           // flushes a second that it is given at most; 0 is without bound
}

// Snapshot is a part of the state of a channel.
type Snapshot struct {
	Entries  []byte            // as Encoder.Entry appended them
	More     bool              // another part follows
	Position realtime.Position // of the last part: where the client stands now
	View     string            // of the last part, as in Answer
	Reset    bool              // what the client has is to be forgotten
	// Changes says that it is no part of the state, but the newest of keys that have changed, in no order. It has a Position if the client stands there
	// now, and neither More, View nor Reset.
	Changes bool
}

// Presence is what a client is told of who is present on a channel.
type Presence struct {
	Joined, Left, Updated []realtime.Member
	// Members are all that are present, unless it is nil; then the three before say what has changed.
	Members []realtime.Member
	Count   int // of those who are present
	// Truncated says that Members is not all of them, or that they are too many to say who has come and gone.
	Truncated bool
}

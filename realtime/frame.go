package realtime

import (
	"encoding/binary"
	"time"
)

// Frame is what a Transport writes. On a socket it is a finished frame of a WebSocket server (RFC 6455
// section 5.2: FIN set, not masked), nearly always a text frame around a JSON document; other transports agree on
// its form with the Encoder of their protocol. All readers of a Publication share one Frame, so it is never changed.
type Frame struct {
	Bytes []byte // on a socket header and payload
}

// MaxFrameHeader is the longest header of a Frame.
const MaxFrameHeader = 10

// AppendFrameHeader appends the header of a Frame whose payload has n bytes. first is its first byte:
// flags and opcode.
func AppendFrameHeader(b []byte, first byte, n int) []byte {
	switch {
	case n < 126:
		return append(b, first, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, first, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, first, 127), uint64(n))
}

// Payload returns what a frame of a socket carries.
func (f Frame) Payload() []byte {
	switch f.Bytes[1] {
	case 126:
		return f.Bytes[4:]
	case 127:
		return f.Bytes[10:]
	}
	return f.Bytes[2:]
}

// IsZero reports whether there is no frame.
func (f Frame) IsZero() bool { return f.Bytes == nil }

// Encoder makes the frames of one protocol that the Hub sends. The Outbox of a connection has the one that
// the connection speaks. It is called once for all readers of a Publication that share it, with the lock of a
// topic held, so it must not block and must not call the Hub. Implementations keep no state and are safe for
// concurrent use. Package wire has the one of the socket protocol, package sse that of Server-Sent Events.
type Encoder interface {
	// Name tells protocols apart, as a WebSocket handshake does. A Hub takes Encoders of one name for equal.
	Name() string
	// Subscribed answers a subscribe. id is SubscribeRequest.ID.
	Subscribed(id string, c Channel, a Answer) Frame
	// Refused answers a subscribe that is refused.
	Refused(id string, c Channel, err *Error) Frame
	// Message is a Publication, equal for all its readers. Its Data is as HubOptions.Payload returned it; p and its Tags
	// are good until Message returns. If the frame holds Data as it is, data is that part of the frame, and the record
	// keeps the bytes once; else it is nil.
	Message(p *Publication) (f Frame, data []byte)
	// Direct is an event for connections rather than for a channel, equal for all of them.
	Direct(p *Publication) Frame
	// Gap tells the readers of a channel that something before this was missed.
	Gap(c Channel, at Position) Frame
	// Dropped tells a slow reader how many of a channel's Publications its queue let go.
	Dropped(c Channel, count int) Frame
	// Presence tells who came and went, and how many users are there now.
	Presence(c Channel, joined, left []Member, count int) Frame
	// Ended tells a client that it has lost something that it had been granted.
	Ended(r Right, why *Error) Frame
	// Heartbeat shows that the connection lives; asOf is zero while it stands still.
	Heartbeat(asOf Position) Frame
	// Closing says why the connection is about to be closed.
	Closing(err *Error) Frame
	// Move asks the client to open another connection after a delay and leave this one.
	Move(afterMs int64) Frame
}

// Answer says how a subscription begins. What follows Position follows as
// ordinary messages.
type Answer struct {
	Resumed  bool     // nothing is missing since the client's Position
	Gap      bool     // something may be
	Position Position // where the client stands now
}

// Transport writes to one client what its Outbox holds. Package socket has the
// WebSocket one. Its methods may be called concurrently and must not block.
type Transport interface {
	// Flush is called after something was queued. It may write at once what the
	// client can take, and leaves the rest to a goroutine of its own.
	Flush()
	// Beat is called once per heartbeat interval, before Flush. The transport may queue a ping of
	// its own; it answers false if its client has shown no sign of life for too long.
	Beat(now time.Time) bool
	// Shut ends the connection with the close code of err.Code, after the control lane of
	// its Outbox has been written. Only the first call counts. When the connection
	// has ended, for whatever reason, the transport's owner calls Hub.Disconnect.
	Shut(err *Error)
}

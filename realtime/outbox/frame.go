package outbox

import (
	"encoding/binary"
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

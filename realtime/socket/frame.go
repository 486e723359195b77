package socket

import (
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Opcode says what a frame carries (RFC 6455 section 5.2).
type Opcode byte

// The opcodes of frames that carry data; a connection sends the others itself.
const (
	Text   Opcode = 1
	Binary Opcode = 2
)

const (
	closing Opcode = 8
	ping    Opcode = 9
	pong    Opcode = 10

	final      = 0x80 // first byte: last frame of its message
	compressed = 0x40 // first byte: RSV1 of RFC 7692 section 6
	masked     = 0x80 // second byte

	maxControl = 125 // bytes of payload of a control frame
)

// NewFrame returns a finished frame with a copy of payload.
func NewFrame(op Opcode, payload []byte) outbox.Frame {
	b := outbox.AppendFrameHeader(make([]byte, 0, outbox.MaxFrameHeader+len(payload)), final|byte(op), len(payload))
	return outbox.Frame{Bytes: append(b, payload...)}
}

func opcode(frame []byte) Opcode { return Opcode(frame[0] & 0x0f) }

// heartbeat finds a ping or pong at the beginning of a client's input b and unmasks its payload in
// place. size is 0 if there is none, if it is not complete, or if it is not flawless: then
// the parser has to say what is wrong.
func heartbeat(b []byte) (op Opcode, payload []byte, size int) {
	if len(b) < 6 || b[0] != final|byte(ping) && b[0] != final|byte(pong) {
		return 0, nil, 0
	}
	n := int(b[1] &^ masked)
	if b[1]&masked == 0 || n > maxControl || len(b) < 6+n {
		return 0, nil, 0
	}
	payload = b[6 : 6+n]
	for i := range payload {
		payload[i] ^= b[2+i&3]
	}
	return opcode(b), payload, 6 + n
}

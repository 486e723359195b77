package wire

import "encoding/binary"

// maxHeader is the longest header of an unmasked frame.
const maxHeader = 10

// AppendTextHeader appends the header of a server's text frame with a payload of
// n bytes: FIN set, not masked (RFC 6455 section 5.2). It is 2, 4 or 10 bytes long.
func AppendTextHeader(b []byte, n int) []byte {
	const finText = 0x81
	switch {
	case n < 126:
		return append(b, finText, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, finText, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, finText, 127), uint64(n))
}

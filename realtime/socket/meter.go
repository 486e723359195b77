package socket

import (
	"encoding/binary"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Meter counts what a client sends beside its messages: the frames that continue a message, pings, pongs
// and close frames. They cost the server time and no Handler sees them.
type Meter interface {
	// Input is told of frames that have come, and of the bytes of their headers and of what pings, pongs and close frames
	// hold, before they are handled. For as long as hold nothing more is read; held is how long that has been so,
	// summed up since Input last returned none. An error ends the connection with its code. It is called by the
	// connection's reading goroutine.
	Input(frames, bytes int, held time.Duration) (hold time.Duration, err *realtime.Error)
}

// SetMeter lets the input be counted. It is called before Start; the Handler's methods may call it for another Meter.
func (c *Conn) SetMeter(m Meter) { c.stream.meter = m }

// counter finds the frames in a client's input, as it comes. It does not judge them: the parser does.
type counter struct {
	left   uint64   // payload of the newest frame that has not come yet
	header [14]byte // RFC 6455 section 5.2: opcode, length, 0, 2 or 8 bytes more of it, mask
	have   uint8    // bytes of header, if it has not come whole
}

// count returns how many frames begin in p that are no message of their own, with the bytes of
// their headers and of the payload of control frames.
func (c *counter) count(p []byte) (frames, bytes int) {
	for len(p) > 0 {
		if c.left > 0 {
			n := min(c.left, uint64(len(p)))
			c.left -= n
			p = p[n:]
			continue
		}
		n := copy(c.header[c.have:c.size()], p)
		c.have += uint8(n)
		p = p[n:]
		size := c.size()
		if c.have < size {
			continue // perhaps more of it than was known
		}
		c.have, c.left = 0, c.payload()
		switch op := Opcode(c.header[0] & 0x0f); {
		case op == Text || op == Binary: // the Handler is told of it
		case op >= closing:
			frames, bytes = frames+1, bytes+int(size)+int(min(c.left, maxControl))
		default:
			frames, bytes = frames+1, bytes+int(size)
		}
	}
	return frames, bytes
}

// size is how long the header is, as far as that is known.
func (c *counter) size() uint8 {
	if c.have < 2 {
		return 2
	}
	size := uint8(2)
	switch c.header[1] &^ masked {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if c.header[1]&masked != 0 {
		size += 4
	}
	return size
}

// payload is the length that a whole header tells.
func (c *counter) payload() uint64 {
	switch n := c.header[1] &^ masked; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(c.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(c.header[2:])
	default:
		return uint64(n)
	}
}

// arrived counts input that has just come. Once it has returned an error it always does.
func (s *stream) arrived(p []byte) error {
	if s.over != nil {
		return s.over
	}
	if s.meter == nil {
		return nil
	}
	frames, bytes := s.counted.count(p)
	if frames == 0 {
		return nil
	}
	hold, err := s.meter.Input(frames, bytes, s.held)
	if err != nil {
		s.over = err
		return err
	}
	if s.held += hold; hold == 0 {
		s.held = 0
	}
	time.Sleep(hold)
	return nil
}

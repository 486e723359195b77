package socket

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// stream is the net.Conn that gorilla's parser reads from. Its reading half belongs to
// the connection's reading goroutine. Its writing half is closed to the parser:
// what the Conn writes goes to the net.Conn beneath.
type stream struct {
	net.Conn
	conn *Conn           // nil until accepted
	raw  syscall.RawConn // non-blocking reads and writes; nil where there are none
	a    *Acceptor       // for its buffers

	upgraded  bool    // the handshake is done
	handshake []byte  // its answer, until it is written together with the first frames
	deflates  bool    // the upgrader has agreed on compression, which it tells nobody but the client
	one       [1]byte // input of a stream that cannot wait without a buffer

	input *[]byte // of a.inputs, while ahead holds something
	ahead []byte  // read from the network, not yet by the parser
	err   error   // of readAvailable

	meter   Meter // nil: nobody counts
	counted counter
	held    time.Duration   // the reading was stopped by the meter
	over    *realtime.Error // the meter's: nothing more is read

	parsed *bufio.Reader // the parser's; without a buffer while idle
	buffer *bufio.Reader // of a.readers: where its buffer is from

	violation string // payload of the close frame that the parser wanted to write
}

func newStream(nc net.Conn, a *Acceptor) *stream {
	s := &stream{Conn: nc, raw: rawConn(nc), a: a, parsed: new(bufio.Reader)}
	s.takeBuffer()
	return s
}

// takeBuffer gives the parser's reader a buffer. It is gorilla's for good, but all that
// it holds between messages is that buffer, so idle connections do without.
func (s *stream) takeBuffer() {
	if s.buffer == nil {
		s.buffer = s.a.readers.Get().(*bufio.Reader)
		s.buffer.Reset(s)
		*s.parsed = *s.buffer
	}
}

// freeBuffer gives the buffer back, which must be empty.
func (s *stream) freeBuffer() {
	s.buffer.Reset(nil)
	s.a.readers.Put(s.buffer)
	s.buffer, *s.parsed = nil, bufio.Reader{}
}

// idle reports whether all that was received has been parsed.
func (s *stream) idle() bool { return len(s.ahead) == 0 && s.parsed.Buffered() == 0 }

// await blocks until there is input, and holds no buffer meanwhile.
func (s *stream) await() error {
	if s.over != nil {
		return s.over
	}
	if s.raw == nil {
		n, err := io.ReadFull(s.Conn, s.one[:])
		s.ahead = s.one[:n]
		if err != nil {
			return err
		}
		return s.arrived(s.ahead)
	}
	if err := s.raw.Read(s.readAvailable); err != nil {
		return err
	}
	if s.err != nil {
		return s.err
	}
	return s.arrived(s.ahead)
}

// closesIncompletely waits for a frame and reports whether it is a close frame with one byte of payload, which
// RFC 6455 section 5.5.1 rules out and the parser takes for one with none.
func (s *stream) closesIncompletely() bool {
	b, err := s.parsed.Peek(2) // the parser meets the same error
	return err == nil && opcode(b) == closing && b[1] == masked|1
}

// consume drops the first n bytes of the input.
func (s *stream) consume(n int) {
	s.ahead = s.ahead[n:]
	if len(s.ahead) == 0 && s.input != nil {
		s.a.inputs.Put(s.input)
		s.input, s.ahead = nil, nil
	}
}

// Read is the parser's. It blocks only in the middle of a message.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.ahead) == 0 {
		if s.conn != nil {
			s.conn.Uncork() // the rest of a message may come late
		}
		if s.raw == nil || len(p) >= s.a.o.ReadBuffer {
			return s.readInto(p)
		}
		if err := s.await(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.ahead)
	s.consume(n)
	return n, nil
}

// readInto reads without a buffer of our own.
func (s *stream) readInto(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if over := s.arrived(p[:n]); over != nil {
		return 0, over
	}
	return n, err
}

// Write keeps the answer to the handshake, which is written together with the first
// frames: a write and a wake-up of the client less for each connect. After it the parser writes nothing
// but a close frame when it meets a violation of the protocol. That is remembered, and the Conn sends it.
func (s *stream) Write(p []byte) (int, error) {
	if !s.upgraded {
		s.deflates = bytes.Contains(p, []byte("\r\nSec-WebSocket-Extensions: permessage-deflate;"))
		s.handshake = append(s.handshake, p...)
		return len(p), nil
	}
	if len(p) > 2 {
		s.violation = string(p[2:])
	}
	return len(p), nil
}

// SetWriteDeadline would be the parser's for its own writes; it must not touch ours.
func (s *stream) SetWriteDeadline(t time.Time) error {
	if s.upgraded {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// send writes p, chunk by chunk, each within timeout. It returns what is not written.
func (s *stream) send(p []byte, timeout time.Duration) ([]byte, error) {
	for len(p) > 0 {
		chunk := p[:min(len(p), maxWrite)]
		if err := s.Conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return p, err
		}
		n, err := s.Conn.Write(chunk)
		p = p[n:]
		if err != nil {
			return p, err
		}
	}
	return p, s.Conn.SetWriteDeadline(time.Time{}) // or the next non-blocking write fails
}

// maxAfterClose is how much a client may have sent before it saw our close frame. The rest costs it a reset.
const maxAfterClose = 1 << 20

// finish ends our half and waits for the client to end its own, so that the last frames are not
// lost to a reset, which is what closing with input unread would cause. It waits until the read deadline.
func (s *stream) finish() {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, s.Conn, maxAfterClose) // or its end, an error or the deadline: all the same
	}
	_ = s.Conn.Close() // the connection is over either way
}

// abort ends the connection without a word. What the kernel still holds for a client that does not
// read is thrown away if reset, or it would keep it for many minutes.
func (s *stream) abort(reset bool) {
	if tcp, ok := s.Conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // fails only if closed already
	}
	_ = s.Conn.Close()
}

package acceptance

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/wire"
)

// The opcodes of RFC 6455 section 5.2.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// client is a WebSocket client by hand. One goroutine reads; any may write.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex // held while a frame is written
}

// dialing says how a client connects. The zero value is a client that offers no token.
type dialing struct {
	token    string // as the subprotocol bearer.<token>
	header   string // more lines of the handshake
	query    string // of the path
	from     net.IP // its own address
	receives int    // SO_RCVBUF; 0 is the system's
}

// errMidFrame says that a connection ended in the middle of a frame.
var errMidFrame = errors.New("cut in the middle of a frame")

// closed is a close frame.
type closed struct {
	code   int
	reason string
}

func (c *closed) Error() string { return fmt.Sprintf("closed with %d %s", c.code, c.reason) }

// dial opens a WebSocket.
func dial(ctx context.Context, addr string, d dialing) (*client, error) {
	dialer := net.Dialer{Timeout: patience}
	if d.from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: d.from}
	}
	if d.receives > 0 { // has to be set before the window is agreed on
		dialer.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			if e := raw.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, d.receives)
			}); e != nil {
				return e
			}
			return err
		}
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 2048)}
	if err := c.handshake(addr, d); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) handshake(addr string, d dialing) error {
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, handshakeOf(addr, d)); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the handshake was answered %s", res.Status)
	}
	return c.conn.SetDeadline(time.Time{})
}

func handshakeOf(host string, d dialing) string {
	protocols := wire.Subprotocol
	if d.token != "" {
		protocols += ", bearer." + d.token
	}
	return "GET /v1/socket" + d.query + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + protocols + "\r\n" + d.header + "\r\n"
}

// frameOf is a frame of a client, whole and masked.
func frameOf(opcode byte, payload []byte) []byte {
	b := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x5a, 0x17, 0xc3, 0x88}
	b = append(b, mask[:]...)
	for i, p := range payload {
		b = append(b, p^mask[i%4])
	}
	return b
}

// write writes bytes as they are.
func (c *client) write(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// say sends a text message.
func (c *client) say(frame string) error { return c.write(frameOf(opText, []byte(frame))) }

// read returns the next message of the server. It answers pings, and the error that a close frame
// is is a *closed. The payload is appended to buf.
func (c *client) read(buf []byte) ([]byte, error) {
	for {
		head, err := c.in.Peek(2)
		if err != nil {
			if len(head) > 0 {
				err = fmt.Errorf("%w: %w", errMidFrame, err)
			}
			return nil, err
		}
		opcode, size, skip := head[0]&15, int(head[1]&127), 2
		if size >= 126 {
			skip += []int{2, 8}[size-126]
			long, err := c.in.Peek(skip)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errMidFrame, err)
			}
			size = 0
			for _, b := range long[2:] {
				size = size<<8 | int(b)
			}
		}
		_, _ = c.in.Discard(skip) // it was peeked at
		at := len(buf)
		buf = append(buf, make([]byte, size)...)
		if _, err := io.ReadFull(c.in, buf[at:]); err != nil {
			return nil, fmt.Errorf("%w: %w", errMidFrame, err)
		}
		switch opcode {
		case opPing:
			_ = c.write(frameOf(opPong, buf[at:])) // reading tells if it fails
		case opClose:
			_ = c.write(frameOf(opClose, buf[at:min(len(buf), at+2)]))
			end := &closed{code: 1005}
			if size >= 2 {
				end.code, end.reason = int(binary.BigEndian.Uint16(buf[at:])), string(buf[at+2:])
			}
			return nil, end
		case opText:
			return buf, nil
		}
		buf = buf[:at]
	}
}

// next returns the next frame that is no heartbeat.
func (c *client) next() (wire.ServerFrame, error) {
	for {
		if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return wire.ServerFrame{}, err
		}
		payload, err := c.read(nil)
		if err != nil {
			return wire.ServerFrame{}, err
		}
		f, err := wire.DecodeServer(payload)
		if err != nil || f.Type != wire.TypeHeartbeat {
			return f, err
		}
	}
}

// until takes frames until one is wanted, and returns it.
func (c *client) until(t *testing.T, what string, wanted func(wire.ServerFrame) bool) wire.ServerFrame {
	t.Helper()
	for {
		f, err := c.next()
		if err != nil {
			t.Fatalf("instead of %s: %v", what, err)
		}
		if wanted(f) {
			return f
		}
	}
}

// answer takes frames until the answer to a frame comes.
func (c *client) answer(t *testing.T, id string) wire.ServerFrame {
	t.Helper()
	return c.until(t, "the answer to "+id, func(f wire.ServerFrame) bool { return string(f.ID) == id })
}

// end takes frames until the server closes, and returns the close code and the last frame before.
func (c *client) end(t *testing.T) (code int, last wire.ServerFrame) {
	t.Helper()
	for {
		f, err := c.next()
		if end := (*closed)(nil); errors.As(err, &end) {
			_ = c.conn.Close()
			return end.code, last
		}
		if err != nil {
			t.Fatalf("not closed but %v, after %+v", err, last)
		}
		last = f
	}
}

// reset ends the connection with a TCP reset.
func (c *client) reset() { resetConn(c.conn) }

func resetConn(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0) // fails only if closed already
	_ = c.Close()
}

package capture

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/realtime/wire"
)

// Socket is a plain WebSocket client on a Tap. It asks for no compression, so that what is captured is what was said.
type Socket struct {
	Tap *Tap
	in  *bufio.Reader

	mu sync.Mutex // one frame at a time is written
}

// Dial connects to the host of an http URL, and returns the URL of a path there.
func Dial(ctx context.Context, address, path string) (*Tap, *url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, nil, err
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	return NewTap(c), u, nil
}

// DialSocket opens one at a server with a token.
func DialSocket(ctx context.Context, address, token string) (*Socket, error) {
	tap, u, err := Dial(ctx, address, "/v1/socket")
	if err != nil {
		return nil, err
	}
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)},
		"Sec-Websocket-Protocol": {wire.Subprotocol}, "Authorization": {"Bearer " + token},
	}}
	s := &Socket{Tap: tap, in: bufio.NewReader(tap)}
	if err := s.handshake(r); err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	return s, nil
}

func (s *Socket) handshake(r *http.Request) error {
	if err := r.Write(s.Tap); err != nil {
		return err
	}
	resp, err := http.ReadResponse(s.in, r) //nolint:bodyclose // it has none, or ends with the connection
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("the handshake is answered %s: %s", resp.Status, text)
	}
	return nil
}

// Consumed returns how many bytes of the capture were made frames.
func (s *Socket) Consumed() int { return s.Tap.Len() - s.in.Buffered() }

// The opcodes of RFC 6455.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// Next returns the next message. The end of the connection is an error.
func (s *Socket) Next() ([]byte, error) {
	var message []byte
	for {
		final, opcode, payload, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch {
		case opcode == opClose:
			return nil, fmt.Errorf("the server closes: %.200q", payload)
		case opcode == opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
		case opcode < opClose:
			if message = append(message, payload...); final {
				return message, nil
			}
		}
	}
}

func (s *Socket) frame() (final bool, opcode byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(s.in, head[:2]); err != nil {
		return false, 0, nil, err
	}
	final, opcode = head[0]&0x80 != 0, head[0]&0x0f
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		_, err = io.ReadFull(s.in, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(s.in, head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return false, 0, nil, err
	}
	const most = 64 << 20
	if size > most {
		return false, 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.in, payload)
	return final, opcode, payload, err
}

// write sends a frame, with a mask of zeros: nobody between changes it.
func (s *Socket) write(opcode byte, payload []byte) error {
	b := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(append(b, 0, 0, 0, 0), payload...)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.Tap.Write(b)
	return err
}

// Send writes a message.
func (s *Socket) Send(message []byte) error { return s.write(opText, message) }

// Close ends the connection.
func (s *Socket) Close() error { return s.Tap.Close() }

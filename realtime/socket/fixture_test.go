package socket

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// server accepts clients as sessions.
type server struct {
	*httptest.Server
	acceptor *Acceptor
	sessions chan *session // of clients that others dialled
	dialled  sync.Map      // by number: chan *session of each client of request
	number   atomic.Int64
	prepare  func(*session) // before Start; may be nil
}

// numbered is the header in which a client of request says its number, so that each is
// given its own session however many connect at once.
const numbered = "Client-Number"

func newServer(t testing.TB, o Options, prepare func(*session)) *server {
	t.Helper()
	s := &server{acceptor: NewAcceptor(o), sessions: make(chan *session, 10000), prepare: prepare}
	s.Server = httptest.NewServer(s.handler(t))
	t.Cleanup(s.Close)
	return s
}

func (s *server) handler(t testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := s.acceptor.Accept(w, r)
		if err != nil {
			if e := (*realtime.Error)(nil); !errors.As(err, &e) {
				t.Errorf("Accept returned %v, want a *realtime.Error", err)
			}
			return
		}
		x := newSession(conn)
		if s.prepare != nil {
			s.prepare(x)
		}
		conn.Start(x.ctx, x.outbox, x.handler)
		if own, ok := s.dialled.LoadAndDelete(r.Header.Get(numbered)); ok {
			own.(chan *session) <- x
			return
		}
		s.sessions <- x
	})
}

// session is the server's side of a client: it echoes unless told otherwise.
type session struct {
	ctx     context.Context // of Start
	conn    *Conn
	outbox  *outbox.Outbox
	handler Handler
	message func(op Opcode, payload []byte) *realtime.Error
	ended   chan ending
}

type ending struct {
	code int
	err  error
}

func newSession(conn *Conn) *session {
	x := &session{ctx: context.Background(), conn: conn, ended: make(chan ending, 2)}
	x.outbox = outbox.New(teller{}, &outbox.Limits{Messages: 1 << 20, Bytes: 64 << 20})
	x.handler = binarySession{x}
	x.message = func(op Opcode, payload []byte) *realtime.Error {
		x.send(NewFrame(op, payload))
		return nil
	}
	return x
}

func (x *session) Message(p []byte) *realtime.Error { return x.message(Text, p) }

func (x *session) Closed(code int, err error) { x.ended <- ending{code, err} }

func (x *session) send(f outbox.Frame) {
	x.outbox.Push(&outbox.Delivery{Frame: f})
	x.conn.Flush()
}

// end waits for the session to be over and returns how it ended.
func (x *session) end(t testing.TB) ending {
	t.Helper()
	select {
	case e := <-x.ended:
		x.conn.Wait()
		if len(x.ended) > 0 {
			t.Error("Closed was called twice")
		}
		return e
	case <-time.After(patience):
		t.Fatal("the connection did not end")
	}
	return ending{}
}

// binarySession is a session that also speaks binary.
type binarySession struct{ *session }

func (b binarySession) Binary(p []byte) *realtime.Error { return b.message(Binary, p) }

// teller is an Encoder whose frames say what they are about.
type teller struct{ outbox.Encoder }

func (teller) Name() string { return "tell" }

func (teller) Subscribed(string, realtime.Channel, outbox.Answer) outbox.Frame {
	return tell("subscribed")
}

func (teller) Refused(string, realtime.Channel, *realtime.Error) outbox.Frame {
	return tell("refused")
}

func (teller) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return NewFrame(Text, p.Data), nil
}

func (teller) Direct(p *realtime.Publication) outbox.Frame { return NewFrame(Text, p.Data) }

func (teller) Gap(realtime.Channel, realtime.Position) outbox.Frame { return tell("gap") }

func (teller) Dropped(_ realtime.Channel, n int) outbox.Frame {
	return tell(fmt.Sprint("dropped ", n))
}

func (teller) Occupancy(realtime.Channel, int, int) outbox.Frame { return outbox.Frame{} }
func (teller) Presence(realtime.Channel, *outbox.Presence) outbox.Frame {
	return tell("presence")
}

func (teller) Heartbeat(realtime.Position) outbox.Frame { return tell("heartbeat") }

func (teller) Ended(realtime.Right, *realtime.Error) outbox.Frame { return tell("ended") }
func (teller) Closing(err *realtime.Error) outbox.Frame           { return tell("error " + string(err.Code)) }

func (teller) Move(int64) outbox.Frame { return tell("move") }

func tell(s string) outbox.Frame { return NewFrame(Text, []byte(s)) }

// client speaks raw bytes.
type client struct {
	net.Conn
	t       testing.TB
	r       *bufio.Reader
	session chan *session // its own, once accepted
}

const handshake = "GET / HTTP/1.1\r\nHost: tidewire.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// dial connects and shakes hands. header lines are added to the request.
func (s *server) dial(t testing.TB, header ...string) (*client, *session) {
	t.Helper()
	c, res := s.request(t, header...)
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d, want 101", res.StatusCode)
	}
	select {
	case x := <-c.session:
		return c, x
	case <-time.After(patience):
		t.Fatal("no session")
	}
	return nil, nil
}

func (s *server) request(t testing.TB, header ...string) (*client, *http.Response) {
	t.Helper()
	var nc net.Conn
	var err error
	if addr := s.Listener.Addr().String(); s.TLS != nil {
		nc, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		nc, err = net.Dial("tcp", addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, nc)
	c.session = make(chan *session, 1)
	number := strconv.FormatInt(s.number.Add(1), 10)
	s.dialled.Store(number, c.session)
	return c, c.shakeHands(append(header, numbered+": "+number)...)
}

func newClient(t testing.TB, nc net.Conn) *client {
	return &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
}

func (c *client) shakeHands(header ...string) *http.Response {
	c.t.Helper()
	for i := range header {
		header[i] += "\r\n"
	}
	c.send([]byte(handshake + strings.Join(header, "") + "\r\n"))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return res
}

func (c *client) send(p []byte) {
	c.t.Helper()
	if _, err := c.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// frame makes a client's frame: masked, with a header as short as can be.
func frame(first byte, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := outbox.AppendFrameHeader(nil, first, len(payload))
	b[1] |= masked
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

func text(payload string) []byte { return frame(final|byte(Text), payload) }

func closeFrame(code int, reason string) []byte {
	return frame(final|byte(closing), string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// next reads a frame of the server and says what it is: "text hello", "close 1000 bye".
// Of long payloads it gives the length and a checksum. The end of the connection is "end".
func (c *client) next() string {
	c.t.Helper()
	first, payload, err := c.frame()
	switch {
	case errors.Is(err, io.EOF):
		return "end"
	case err != nil:
		return "error " + err.Error()
	}
	return describe(first, payload)
}

func describe(first byte, payload []byte) string {
	name := map[byte]string{0x81: "text", 0x82: "binary", 0x88: "close", 0x89: "ping", 0x8a: "pong", 0xc1: "deflated"}[first]
	if name == "" {
		name = fmt.Sprintf("%#x", first)
	}
	switch {
	case first == 0x88 && len(payload) >= 2:
		return strings.TrimSpace(fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(payload), payload[2:]))
	case len(payload) > 200:
		return fmt.Sprintf("%s of %d bytes, %08x", name, len(payload), crc32.ChecksumIEEE(payload))
	}
	return strings.TrimSpace(name + " " + string(payload))
}

// frame reads a frame of the server and checks that it is not masked.
func (c *client) frame() (first byte, payload []byte, err error) {
	var h [10]byte
	if _, err := io.ReadFull(c.r, h[:2]); err != nil {
		return 0, nil, err
	}
	n := uint64(h[1])
	switch h[1] {
	case 126:
		_, err = io.ReadFull(c.r, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		_, err = io.ReadFull(c.r, h[2:10])
		n = binary.BigEndian.Uint64(h[2:])
	}
	if err == nil && h[1]&masked != 0 {
		err = errors.New("a masked frame from the server")
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.r, payload)
	return h[0], payload, err
}

// rest reads until the end.
func (c *client) rest() (all []string) {
	c.t.Helper()
	for {
		s := c.next()
		all = append(all, s)
		if s == "end" || strings.HasPrefix(s, "error") {
			return all
		}
	}
}

// want checks the next frames.
func (c *client) want(frames ...string) {
	c.t.Helper()
	for _, w := range frames {
		if got := c.next(); got != w {
			c.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

// unfailing is a connection for senders who do not mind that the server hangs up on them.
type unfailing struct{ net.Conn }

func (u unfailing) Write(p []byte) (int, error) {
	_, _ = u.Conn.Write(p)
	return len(p), nil
}

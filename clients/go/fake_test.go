package tidewire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime/socket"
)

// fake is a server that says what a test has it say, in a bubble.
type fake struct {
	t *testing.T

	mu      sync.Mutex // guards what follows
	conns   []*fakeConn
	refuse  error // every dial
	greeted bool  // conns welcome by themselves
}

const greeting = `{"type":"welcome","id":1,"connection":"c","user":"ann","tenant":"acme","instance":"i","heartbeatMs":25000,"limits":{"framesPerSecond":50,"publishesPerSecond":100,"subscriptionsPerConnection":128,"messageBytes":65536}}`

// fakeServer returns one that welcomes everybody, and a Client of it.
func fakeServer(t *testing.T, change ...func(*Options)) (*fake, *Client) {
	t.Helper()
	s := &fake{t: t, greeted: true}
	c, err := Connect(t.Context(), s.options(change...))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return s, c
}

func (s *fake) options(change ...func(*Options)) Options {
	o := Options{URL: "http://gateway", Token: StaticToken("t"), dial: s.dial}
	for _, f := range change {
		f(&o)
	}
	return o
}

func (s *fake) dial(context.Context, string, http.Header) (link.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return nil, s.refuse
	}
	c := &fakeConn{in: make(chan string, 1000), over: make(chan struct{})}
	s.conns = append(s.conns, c)
	if s.greeted {
		c.in <- greeting
	}
	return c, nil
}

// newest returns the newest connection, when all is quiet.
func (s *fake) newest() *fakeConn {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) == 0 {
		s.t.Fatal("nobody has connected")
	}
	return s.conns[len(s.conns)-1]
}

func (s *fake) count() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// fakeConn is a connection to a fake.
type fakeConn struct {
	in   chan string
	over chan struct{}
	once sync.Once

	mu   sync.Mutex // guards what follows
	sent []sentFrame
	end  error // of Read, when over
}

// sentFrame is what a client has sent.
type sentFrame struct {
	Type, Channel, Sub, Token, Event string
	Since                            stands
	ID                               json.RawMessage
	Refusals                         *int64
	MaxBytesPerSecond                int64
	Data, If                         json.RawMessage
	Subscriptions                    []struct {
		Channel, Sub string
		Since, View  stands
		AsOf         int64
	}
}

// stands is the member since or view: that of a channel, or those of a pattern.
type stands struct {
	Position  string
	Positions map[string]string
}

func (s *stands) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		return json.Unmarshal(b, &s.Positions)
	}
	return json.Unmarshal(b, &s.Position)
}

func (c *fakeConn) Read(within time.Duration) ([]byte, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case text := <-c.in:
		return []byte(text), nil
	default:
	}
	select {
	case text := <-c.in:
		return []byte(text), nil
	case <-c.over:
		c.mu.Lock()
		defer c.mu.Unlock()
		return nil, c.end
	case <-timer.C:
		return nil, os.ErrDeadlineExceeded
	}
}

func (c *fakeConn) Write(text []byte) error {
	var f sentFrame
	if err := json.Unmarshal(text, &f); err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, f)
	return nil
}

func (c *fakeConn) Close() error {
	c.finish(io.ErrClosedPipe)
	return nil
}

// give says something to the client.
func (c *fakeConn) give(frames ...string) {
	for _, f := range frames {
		c.in <- f
	}
	synctest.Wait()
}

// finish ends the connection.
func (c *fakeConn) finish(err error) {
	c.once.Do(func() {
		c.mu.Lock()
		c.end = err
		c.mu.Unlock()
		close(c.over)
	})
}

// shut ends the connection with a close code.
func (c *fakeConn) shut(code int) {
	synctest.Wait()
	c.finish(&socket.CloseError{Code: code, Reason: "why"})
	synctest.Wait()
}

// closed reports whether the client has closed it.
func (c *fakeConn) closed() bool {
	synctest.Wait()
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// taken returns what the client has sent since, of one type.
func (c *fakeConn) taken(kind string) (all []sentFrame) {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var rest []sentFrame
	for _, f := range c.sent {
		if f.Type == kind {
			all = append(all, f)
		} else {
			rest = append(rest, f)
		}
	}
	c.sent = rest
	return all
}

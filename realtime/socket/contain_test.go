package socket

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// panicCounter counts panics.
type panicCounter struct {
	realtime.NoMetrics
	mu sync.Mutex // guards n
	n  int
}

func (c *panicCounter) Add(name realtime.Counter, _ string, reason realtime.Reason, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name == realtime.CountPanics && reason == contain.Connection {
		c.n += n
	}
}

// safe is a buffer for a logger.
type safe struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// faulty panics when it is told that all is over.
type faulty struct{ *session }

func (f faulty) Closed(code int, err error) {
	f.session.Closed(code, err)
	panic("at the end")
}

// lost is an Encoder whose notices of what was dropped panic.
type lost struct{ teller }

func (lost) Dropped(realtime.Channel, int) outbox.Frame { panic("in writing") }

// A panic in handling one connection ends that one, is counted, logged with its stack, and harms no other.
func TestPanicsEndTheirConnection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*session)
		do      func(*client, *session)
		want    []string
		panics  int
	}{
		"in Message": {
			prepare: func(x *session) {
				x.message = func(Opcode, []byte) *realtime.Error { panic("in Message") }
			},
			do:   func(c *client, _ *session) { c.send(text("a")) },
			want: []string{"text error internal", "close 1011 something went wrong"}, panics: 1,
		},
		"in Closed": {
			prepare: func(x *session) { x.handler = faulty{x} },
			do:      func(c *client, _ *session) { c.send(closeFrame(1000, "")) },
			want:    []string{"close 1000"}, panics: 1,
		},
		"in both": {
			prepare: func(x *session) {
				x.message = func(Opcode, []byte) *realtime.Error { panic("in Message") }
				x.handler = faulty{x}
			},
			do:   func(c *client, _ *session) { c.send(text("a")) },
			want: []string{"text error internal", "close 1011 something went wrong"}, panics: 2,
		},
		"in writing": {
			prepare: func(x *session) {
				x.outbox = outbox.New(lost{}, &outbox.Limits{Messages: 1, Bytes: 1 << 20})
			},
			do: func(_ *client, x *session) {
				x.outbox.Push(&outbox.Delivery{Frame: tell("a"), Policy: realtime.OverflowDropOldest})
				x.outbox.Push(&outbox.Delivery{Frame: tell("b"), Policy: realtime.OverflowDropOldest})
				x.conn.Flush() // it does not harm who flushes
			},
			panics: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, out := &panicCounter{}, &safe{}
			s := newServer(t, Options{CloseTimeout: 100 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(out, nil)), Metrics: count}, c.prepare)
			other, _ := s.dial(t)
			cl, x := s.dial(t)
			c.do(cl, x)
			cl.want(c.want...)
			if len(c.want) > 0 {
				cl.send(closeFrame(1011, ""))
			}
			_ = cl.rest()
			x.end(t)
			counted := func() int {
				count.mu.Lock()
				defer count.mu.Unlock()
				return count.n
			}
			for end := time.Now().Add(patience); (counted() < c.panics || !strings.Contains(out.String(), "stack=")) && time.Now().Before(end); { // after Closed has been called
				time.Sleep(time.Millisecond)
			}
			if n := counted(); n != c.panics {
				t.Errorf("%d panics were counted, want %d", n, c.panics)
			}
			if log := out.String(); !strings.Contains(log, "stack=") || !strings.Contains(log, "contain_test.go") {
				t.Errorf("the log does not show where it was: %s", log)
			}
			if c.prepare != nil && name == "in writing" {
				other.send(text("b"))
				other.want("text b")
			}
			_ = other.Close()
		})
	}
}

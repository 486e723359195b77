package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

func TestShut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  *realtime.Error
		want string
	}{
		"draining":        {realtime.Errorf(realtime.CodeDraining, "the instance is going away"), "close 1012 the instance is going away"},
		"too slow":        {realtime.Errorf(realtime.CodeTooSlow, "slow"), "close 4503 slow"},
		"internal":        {&realtime.Error{Code: realtime.CodeInternal, Err: errors.New("secret")}, "close 1011"},
		"long":            {realtime.Errorf(realtime.CodeLimited, "%s", strings.Repeat("x", 200)), "close 4429 " + strings.Repeat("x", 123)},
		"cut at a rune":   {realtime.Errorf(realtime.CodeLimited, "%s", strings.Repeat("é", 100)), "close 4429 " + strings.Repeat("é", 61)},
		"not valid UTF-8": {realtime.Errorf(realtime.CodeLimited, "a\xffb"), "close 4429 a?b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, Options{CloseTimeout: time.Hour}, nil)
			c, x := s.dial(t)
			x.outbox.Control(tell("control"))
			x.outbox.Push(&outbox.Delivery{Frame: tell("data")})
			x.outbox.Close(tell("last"))
			x.conn.Shut(tt.err)
			x.conn.Shut(realtime.Errorf(realtime.CodeForbidden, "second"))
			c.want("text control", "text last", tt.want)
			c.send(closeFrame(1000, ""))
			c.want("end")
			c.Close()
			if e := x.end(t); e.code != tt.err.Code.Meaning().Close || !errors.Is(e.err, tt.err) {
				t.Errorf("ended with %+v, want what Shut got", e)
			}
		})
	}
}

func TestShutBeforeStart(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{CloseTimeout: 50 * time.Millisecond}, func(x *session) {
		x.outbox.Push(&outbox.Delivery{Frame: tell("data")})
		x.conn.Flush()
		if !x.conn.Beat(time.Now()) {
			t.Error("dead before Start")
		}
		x.conn.Shut(realtime.Errorf(realtime.CodeUnauthorized, "no"))
		x.conn.Shut(realtime.Errorf(realtime.CodeInternal, "second"))
	})
	c, x := s.dial(t)
	c.want("close 4401 no", "end")
	c.Close()
	if e := x.end(t); e.code != 4401 {
		t.Errorf("ended with %+v, want 4401", e)
	}
}

// TestVerdicts has the ends that the socket itself or its Handler decides on.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	textOnly := func(x *session) { x.handler = x }
	for name, tt := range map[string]struct {
		o       Options
		prepare func(*session)
		send    []byte
		want    []string
		code    realtime.Code
	}{
		"handler's error": {
			prepare: func(x *session) {
				x.message = func(Opcode, []byte) *realtime.Error { return realtime.Errorf(realtime.CodeLimited, "slower") }
			},
			send: append(text("a"), text("b")...), want: []string{"text error limited", "close 4429 slower", "end"}, code: realtime.CodeLimited,
		},
		"handler has told the client": {
			prepare: func(x *session) {
				x.message = func(Opcode, []byte) *realtime.Error {
					x.outbox.Close(tell("mine"))
					return realtime.Errorf(realtime.CodeLimited, "slower")
				}
			},
			send: text("a"), want: []string{"text mine", "close 4429 slower", "end"}, code: realtime.CodeLimited,
		},
		"binary": {prepare: textOnly, send: frame(0x82, "a"),
			want: []string{"close 1003 binary messages are not supported; send text", "end"}, code: realtime.CodeBadRequest},
		"too large": {o: Options{ReadLimit: 10}, send: text("elevenbytes"),
			want: []string{"text error too-large", "close 4413 a message must be at most 10 bytes; send smaller ones", "end"}, code: realtime.CodeTooLarge},
		"too large for this client": {prepare: func(x *session) { x.conn.SetReadLimit(3) }, send: text("four"),
			want: []string{"text error too-large", "close 4413 a message must be at most 3 bytes; send smaller ones", "end"}, code: realtime.CodeTooLarge},
		"too large in fragments": {o: Options{ReadLimit: 10}, send: append(frame(0x01, "eleven"), frame(0x80, "bytes")...),
			want: []string{"text error too-large", "close 4413 a message must be at most 10 bytes; send smaller ones", "end"}, code: realtime.CodeTooLarge},
		"as large as may be": {o: Options{ReadLimit: 10}, send: append(text("ten  bytes"), closeFrame(4000, "")...),
			want: []string{"text ten  bytes", "close 4000", "end"}},
		"huge length": {send: []byte{0x81, masked | 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
			want: []string{"text error too-large", "close 4413 a message must be at most 65536 bytes; send smaller ones", "end"}, code: realtime.CodeTooLarge},
		"breach of protocol": {send: frame(0x83, ""), want: []string{"close 1002 bad opcode 3", "end"}, code: realtime.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tt.o, tt.prepare)
			c, x := s.dial(t)
			c.send(tt.send)
			if diff := cmp.Diff(tt.want, c.rest()); diff != "" {
				t.Error("frames (-want +got):\n", diff)
			}
			c.Close()
			switch e := x.end(t); {
			case tt.code == "" && e.err != nil, tt.code != "" && realtime.CodeOf(e.err) != tt.code:
				t.Errorf("ended with %+v, want code %q", e, tt.code)
			}
		})
	}
}

// TestInputUnderWay has a client that goes on sending: it still gets the close frame, and no reset.
func TestInputUnderWay(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = unfailing{c}.Write(text(strings.Repeat("x", 8<<20)))
	}()
	c.want("text error too-large", "close 4413 a message must be at most 65536 bytes; send smaller ones", "end")
	<-sent
	c.Close()
	x.end(t)
}

func TestClientsThatVanish(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		leave func(t *testing.T, c *client)
		want  func(error) bool
	}{
		"end without a close frame": {
			leave: func(_ *testing.T, c *client) { c.Close() },
			want:  func(err error) bool { return errors.Is(err, io.EOF) },
		},
		"end within a frame": {
			leave: func(_ *testing.T, c *client) { c.send(text("hello")[:7]); c.Close() },
			want:  func(err error) bool { return err != nil },
		},
		"reset": {
			leave: func(t *testing.T, c *client) {
				if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
					t.Error(err)
				}
				c.Close()
			},
			want: func(err error) bool { return err != nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, Options{}, nil)
			c, x := s.dial(t)
			tt.leave(t, c)
			e := x.end(t)
			if e.code != 1006 || !tt.want(e.err) || realtime.CodeOf(e.err) != realtime.CodeInternal {
				t.Errorf("ended with %+v, want 1006 and the network's error", e)
			}
		})
	}
}

func TestContextCutsOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		c, x, _ := pipe(t, Options{}, func(x *session) { x.ctx = ctx })
		cancel(stop)
		c.want("end")
		if e := x.end(t); e.code != 1006 || !errors.Is(e.err, stop) {
			t.Errorf("ended with %+v, want 1006 and the cause", e)
		}
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	start := func(f func(t *testing.T)) func(t *testing.T) {
		return func(t *testing.T) { t.Parallel(); synctest.Test(t, f) }
	}
	within := func(t *testing.T, since time.Time, want time.Duration) {
		t.Helper()
		if took := time.Since(since); took != want {
			t.Errorf("took %v, want %v", took, want)
		}
	}

	t.Run("first message missing", start(func(t *testing.T) {
		begin := time.Now()
		c, x, _ := pipe(t, Options{}, func(x *session) { x.conn.FirstWithin(5 * time.Second) })
		c.want("text error timeout", "close 4408 no message arrived in time; send one after connecting")
		within(t, begin, 5*time.Second)
		c.want("end")
		if e := x.end(t); e.code != 4408 || realtime.CodeOf(e.err) != realtime.CodeTimeout {
			t.Errorf("ended with %+v, want 4408", e)
		}
	}))
	t.Run("first message dribbles", start(func(t *testing.T) {
		begin := time.Now()
		c, x, _ := pipe(t, Options{}, func(x *session) { x.conn.FirstWithin(5 * time.Second) })
		go func() {
			for _, b := range text("dribble") {
				_, _ = unfailing{c}.Write([]byte{b})
				time.Sleep(time.Second)
			}
		}()
		c.want("text error timeout", "close 4408 no message arrived in time; send one after connecting")
		within(t, begin, 5*time.Second)
		x.end(t)
		time.Sleep(10 * time.Second) // until the dribbling is over
	}))
	t.Run("first message in time", start(func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, func(x *session) { x.conn.FirstWithin(5 * time.Second) })
		go c.send(text("a"))
		c.want("text a")
		time.Sleep(time.Hour)
		go c.send(text("b"))
		c.want("text b")
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
		c.want("close 1012")
		go c.send(closeFrame(1000, ""))
		x.end(t)
	}))
	t.Run("close unanswered", start(func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, nil)
		begin := time.Now()
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
		c.want("close 1012")
		x.end(t)
		within(t, begin, 3*time.Second)
	}))
	t.Run("close answered by chatter", start(func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, nil)
		begin := time.Now()
		x.message = func(Opcode, []byte) *realtime.Error { t.Error("a message after Shut"); return nil }
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
		c.want("close 1012")
		go func() {
			for range 10 {
				_, _ = unfailing{c}.Write(text("still here"))
				time.Sleep(time.Second)
			}
		}()
		x.end(t)
		within(t, begin, 3*time.Second)
		time.Sleep(10 * time.Second)
	}))
	t.Run("close not taken", start(func(t *testing.T) {
		_, x, _ := pipe(t, Options{}, nil)
		begin := time.Now()
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
		if e := x.end(t); e.code != 1012 {
			t.Errorf("ended with %+v, want 1012", e)
		}
		within(t, begin, 10*time.Second)
	}))
	t.Run("data not taken", start(func(t *testing.T) {
		_, x, _ := pipe(t, Options{}, nil)
		begin := time.Now()
		x.send(tell("data"))
		if e := x.end(t); e.code != 1006 || realtime.CodeOf(e.err) != realtime.CodeTooSlow {
			t.Errorf("ended with %+v, want 1006 and too-slow", e)
		}
		within(t, begin, 10*time.Second)
	}))
	t.Run("sign of life", start(func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, nil)
		signs := [][]byte{frame(0x8a, ""), frame(0x89, ""), text("a"), append(frame(0x01, "a"), frame(0x80, "b")...)}
		go io.Copy(io.Discard, c)
		for _, sign := range signs {
			time.Sleep(60 * time.Second)
			if !x.conn.Beat(time.Now()) {
				t.Fatal("dead after 60 s")
			}
			c.send(sign)
			synctest.Wait()
		}
		c.send(frame(0x01, "a")) // of an unfinished message
		synctest.Wait()
		time.Sleep(61 * time.Second)
		if x.conn.Beat(time.Now()) {
			t.Error("alive after 61 s without a sign")
		}
		x.conn.Shut(realtime.Errorf(realtime.CodeTimeout, "dead"))
		x.end(t)
	}))
}

func TestBeatPings(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	x.outbox.Control(tell("heartbeat"))
	if !x.conn.Beat(time.Now()) {
		t.Error("dead at once")
	}
	x.conn.Flush()
	c.want("text heartbeat", "ping")
	c.send(frame(0x8a, ""))
	c.send(closeFrame(1000, ""))
	c.want("close 1000", "end")
	c.Close()
	x.end(t)
}

// TestEndsAtOnce lets all who can end a connection do so together.
func TestEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{CloseTimeout: 100 * time.Millisecond}, nil)
	for range 50 {
		c, x := s.dial(t)
		var all sync.WaitGroup
		all.Go(func() { _, _ = unfailing{c}.Write(closeFrame(1000, "")) })
		all.Go(func() { x.conn.Shut(realtime.Errorf(realtime.CodeDraining, "")) })
		all.Go(func() { x.conn.abort(io.ErrClosedPipe) })
		all.Go(func() { x.outbox.Close() })
		all.Go(func() { x.send(tell("data")) })
		all.Go(func() { x.conn.Beat(time.Now()); x.conn.Flush() })
		all.Wait()
		c.Close()
		x.end(t)
		x.send(tell("late"))
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, "late"))
	}
}

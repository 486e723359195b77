package socket

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// TestQueuedFramesAreOneWrite has frames of three sizes in one write, and order kept.
func TestQueuedFramesAreOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, x, conn := pipe(t, Options{}, nil)
		before := conn.writes.Load()
		var want []string
		for i := range 100 {
			s := fmt.Sprint(i, strings.Repeat(".", i))
			want = append(want, "text "+s)
			x.outbox.Push(&outbox.Delivery{Frame: tell(s)})
		}
		x.outbox.Control(tell("control"))
		x.conn.Flush()
		c.want("text control")
		c.want(want...)
		if n := conn.writes.Load() - before; n != 1 {
			t.Errorf("%d writes, want 1", n)
		}
		go c.send(closeFrame(1000, ""))
		c.want("close 1000")
		x.end(t)
	})
}

// TestClientThatStopsReading has a hub that is never held up: the client reads nothing before all has been sent, so that a Flush which waited for it would
// end with the write timeout, and the connection with it. It loses nothing once it reads again; pings and pongs come between the frames, never within.
func TestClientThatStopsReading(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	const frames, size = 400, 50_000
	for i := range frames {
		b := make([]byte, size)
		binary.BigEndian.PutUint32(b, uint32(i))
		x.send(NewFrame(Binary, b))
		if i%50 == 0 {
			x.conn.Beat(time.Now())
			c.send(frame(0x89, fmt.Sprint(i)))
		}
	}
	if waiting, _ := x.outbox.Len(); waiting == 0 {
		t.Fatal("the kernel took it all; the test shows nothing")
	}
	for i := 0; i < frames; {
		first, payload, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		if first == 0x89 || first == 0x8a {
			continue
		}
		if len(payload) != size || binary.BigEndian.Uint32(payload) != uint32(i) {
			t.Fatalf("frame %d: got %d bytes, number %d", i, len(payload), binary.BigEndian.Uint32(payload))
		}
		i++
	}
	x.send(tell("again at once"))
	for got := ""; got != "text again at once"; {
		if got = c.next(); !strings.HasPrefix(got, "p") && got != "text again at once" {
			t.Fatalf("got %q", got)
		}
	}
	c.send(closeFrame(1000, ""))
	c.Close()
	x.end(t)
}

func TestClientThatNeverReads(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{WriteTimeout: 50 * time.Millisecond}, nil)
	_, x := s.dial(t)
	big := NewFrame(Binary, make([]byte, 1<<20))
	for range 50 {
		x.send(big)
	}
	if e := x.end(t); e.code != 1006 || realtime.CodeOf(e.err) != realtime.CodeTooSlow {
		t.Errorf("ended with %+v, want 1006 and too-slow", e)
	}
	if frames, bytes := x.outbox.Len(); frames != 0 || bytes != 0 {
		t.Errorf("%d frames of %d bytes are still held", frames, bytes)
	}
	x.send(big)
}

// TestShutOfClientThatNeverReads ends in time although the close frame cannot be written.
func TestShutOfClientThatNeverReads(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{WriteTimeout: 50 * time.Millisecond, CloseTimeout: 50 * time.Millisecond}, nil)
	_, x := s.dial(t)
	for range 50 {
		x.send(NewFrame(Binary, make([]byte, 1<<20)))
	}
	x.conn.Shut(realtime.Errorf(realtime.CodeTooSlow, "slow"))
	x.end(t)
}

// TestManyWriters has frames of many goroutines, each one's in order and none torn.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	const writers, each = 8, 300
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				x.send(tell(fmt.Sprintf("%d %d %s", w, i, strings.Repeat("x", i*7%3000))))
			}
		})
	}
	next := [writers]int{}
	for range writers * each {
		_, payload, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		var w, i int
		if _, err := fmt.Sscan(string(payload), &w, &i); err != nil {
			t.Fatal(err)
		}
		if next[w] != i {
			t.Fatalf("writer %d: got frame %d, want %d", w, i, next[w])
		}
		next[w]++
	}
	all.Wait()
	c.send(closeFrame(1000, ""))
	c.Close()
	x.end(t)
}

// TestWhatWasDroppedIsTold uses the outbox's Encoder for what a full queue let go.
func TestWhatWasDroppedIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, func(x *session) {
			x.outbox = outbox.New(teller{}, &outbox.Limits{Messages: 2, Bytes: 1 << 20})
		})
		for i := range 5 {
			x.outbox.Push(&outbox.Delivery{Frame: tell(fmt.Sprint(i)), Policy: realtime.OverflowDropOldest})
		}
		x.conn.Flush()
		c.want("text dropped 3", "text 3", "text 4")
		go c.send(closeFrame(1000, ""))
		c.want("close 1000")
		x.end(t)
	})
}

// TestPingsOfClientThatDoesNotRead has one answer owed at most, to the newest ping.
func TestPingsOfClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, x, _ := pipe(t, Options{}, nil)
		x.send(tell("in the way"))
		synctest.Wait()
		for i := range 1000 {
			c.send(frame(0x89, fmt.Sprint(i)))
		}
		synctest.Wait()
		c.want("text in the way", "pong 999")
		go c.send(closeFrame(1000, ""))
		c.want("close 1000")
		x.end(t)
	})
}

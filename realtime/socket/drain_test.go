package socket

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/outbox"
)

// numberedFrame is a frame of some bytes with a number.
func numberedFrame(n, size int) outbox.Frame {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(n))
	return NewFrame(Binary, b)
}

// wantNumbers reads frames up to a number.
func (c *client) wantNumbers(from, to int) {
	c.t.Helper()
	for n := from; n < to; n++ {
		_, payload, err := c.frame()
		if err != nil {
			c.t.Fatalf("before %d: %v", n, err)
		}
		if got := int(binary.BigEndian.Uint32(payload)); got != n {
			c.t.Fatalf("%d comes, want %d", got, n)
		}
	}
}

// A client that reads is written to by whoever queues more, though the goroutine that writes to it does not get to run.
func TestQueueOfAReaderIsNotFullForWantOfProcessors(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	x.outbox.SetLimits(&outbox.Limits{Messages: 64, Bytes: 256 << 10})
	const all, size = 1000, 8 << 10
	push := func(n int) {
		t.Helper()
		if _, ok := x.outbox.Push(&outbox.Delivery{Frame: numberedFrame(n, size), Policy: "disconnect"}); !ok {
			t.Fatalf("the queue has overflown at %d", n)
		}
		x.conn.Flush()
	}
	b := newBatch().(*batch)
	x.outbox.Push(&outbox.Delivery{Frame: numberedFrame(0, size)})
	b.frames = x.outbox.Start(nil, maxWrite)
	w := &x.conn.writer
	w.join(b)
	waits := &drain{w: w, o: x.outbox, b: b} // for its turn, all the time
	w.draining.Store(waits)

	var got atomic.Int64
	var reading sync.WaitGroup
	reading.Go(func() {
		for got.Load() < all {
			c.wantNumbers(int(got.Load()), int(got.Load())+1)
			got.Add(1)
		}
	})
	for n := 1; n < all; n++ {
		push(n)
		for give := time.Now().Add(patience); got.Load() < int64(n-40) && time.Now().Before(give); {
			time.Sleep(10 * time.Microsecond) // the client is not slow
		}
	}
	waits.run() // which ends when it has written all
	reading.Wait()
	go c.send(closeFrame(1000, ""))
	c.want("close 1000")
	x.end(t)
}

// What several write, each when it can, is what was queued, in order and nothing torn.
func TestHelpersTearNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	c, x := s.dial(t)
	limits := &outbox.Limits{Messages: 1 << 10, Bytes: 512 << 10}
	x.outbox.SetLimits(limits)
	const all = 4000
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := 0; n < all; {
			if _, bytes := x.outbox.Len(); bytes > limits.Bytes*3/4 {
				x.conn.Flush()
				time.Sleep(10 * time.Microsecond)
				continue
			}
			x.outbox.Push(&outbox.Delivery{Frame: numberedFrame(n, 4+n%5000), Policy: "disconnect"})
			n++
			x.conn.Flush()
		}
	})
	for range 3 {
		writers.Go(func() {
			for range all {
				x.conn.Flush()
			}
		})
	}
	for n := 0; n < all; n += 100 {
		c.wantNumbers(n, n+100)
		time.Sleep(time.Millisecond)
	}
	writers.Wait()
	go c.send(closeFrame(1000, ""))
	c.want("close 1000")
	x.end(t)
}

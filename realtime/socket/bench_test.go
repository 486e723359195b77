package socket

import (
	"io"
	"net"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// benchSockets is how many readers a frame has.
const benchSockets = 1000

// BenchmarkFanOut writes one frame of 250 bytes to 1,000 sockets, and as a floor to 1,000 net.Conns:
// a Write each, with no queue and nobody who could be slow. The two take turns, so
// that a noisy moment hits both, and their medians are compared.
func BenchmarkFanOut(b *testing.B) {
	f := NewFrame(Text, []byte(strings.Repeat("x", 246)))
	conns := rawConns(b, benchSockets)
	s := newServer(b, Options{CloseTimeout: time.Millisecond}, nil)
	sessions := make([]*session, benchSockets)
	for i := range sessions {
		var c *client
		c, sessions[i] = s.dial(b)
		if err := c.SetDeadline(time.Time{}); err != nil {
			b.Fatal(err)
		}
		discard(b, c.Conn)
	}
	floor := func() {
		for _, c := range conns {
			if _, err := c.Write(f.Bytes); err != nil {
				b.Fatal(err)
			}
		}
	}
	deliver := func() {
		for _, x := range sessions {
			x.outbox.Push(&outbox.Delivery{Frame: f, Policy: realtime.OverflowDisconnect})
			x.conn.Flush()
		}
	}
	var raw, socket []time.Duration
	for b.Loop() {
		begin := time.Now()
		floor()
		middle := time.Now()
		deliver()
		raw, socket = append(raw, middle.Sub(begin)), append(socket, time.Since(middle))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 20
	for range rounds {
		deliver()
	}
	runtime.ReadMemStats(&after)
	slices.Sort(raw)
	slices.Sort(socket)
	r, x := float64(raw[len(raw)/2]), float64(socket[len(socket)/2])
	b.ReportMetric(r/benchSockets, "raw-ns/delivery")
	b.ReportMetric(x/benchSockets, "ns/delivery")
	b.ReportMetric(x/r, "x-raw")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/(rounds*benchSockets), "allocs/delivery")
	b.ReportMetric(0, "ns/op") // both together say nothing
	for _, x := range sessions {
		x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
	}
	for _, x := range sessions {
		x.end(b)
	}
}

// rawConns returns n connections whose other ends discard what they get.
func rawConns(b *testing.B, n int) []net.Conn {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		discard(b, c)
		if conns[i], err = listener.Accept(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conns[i].Close() })
	}
	return conns
}

// discard reads what a client gets until the benchmark closes it.
func discard(b *testing.B, c io.ReadCloser) {
	b.Cleanup(func() { c.Close() })
	go func() { _, _ = io.Copy(io.Discard, c) }()
}

// BenchmarkIdle reports what an idle socket costs: resident memory of this process, and heap and
// stacks in use, per socket, after a message both ways and a ping. The clients have no
// buffers or goroutines, but their half of each connection is counted too.
func BenchmarkIdle(b *testing.B) {
	const sockets = 5000
	s := &server{acceptor: NewAcceptor(Options{CloseTimeout: time.Millisecond}), sessions: make(chan *session, sockets)}
	s.Server = httptest.NewServer(s.handler(b))
	defer s.Close()
	for b.Loop() {
		before := resident(b)
		open := make([]*session, sockets)
		clients := make([]net.Conn, sockets)
		for i := range open {
			var c *client
			c, open[i] = s.dial(b)
			c.send(text("hello"))
			c.want("text hello")
			c.send(frame(0x89, ""))
			c.want("pong")
			clients[i] = c.Conn
		}
		after := resident(b)
		b.ReportMetric(float64(after.rss-before.rss)/sockets, "rss-B/socket")
		b.ReportMetric(float64(after.heap-before.heap)/sockets, "heap-B/socket")
		b.ReportMetric(float64(after.stack-before.stack)/sockets, "stack-B/socket")
		for i, x := range open {
			x.conn.Shut(realtime.Errorf(realtime.CodeDraining, ""))
			clients[i].Close()
			x.end(b)
		}
	}
}

type footprint struct{ rss, heap, stack int64 }

func resident(b *testing.B) footprint {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := footprint{heap: int64(m.HeapAlloc), stack: int64(m.StackInuse)}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return f // elsewhere than on Linux: heap and stacks have to do
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	f.rss = pages * int64(os.Getpagesize())
	return f
}

package socket

import (
	"bytes"
	"crypto/rand"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// tap is a Meter that lets so many frames through.
type tap struct {
	mu            sync.Mutex // guards what follows
	most          int
	frames, bytes int
}

func (m *tap) Input(frames, bytes int, _ time.Duration) (time.Duration, *realtime.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frames, m.bytes = m.frames+frames, m.bytes+bytes
	if m.frames > m.most {
		return 0, &realtime.Error{Code: realtime.CodeLimited, Message: "slower", Limit: "framesPerSecond"}
	}
	return 0, nil
}

func (m *tap) seen() (frames, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.frames, m.bytes
}

// metered is a server whose sessions have a tap each.
func metered(t testing.TB, most int, secure bool) (*server, chan *tap) {
	t.Helper()
	taps := make(chan *tap, 100)
	s := &server{acceptor: NewAcceptor(Options{CloseTimeout: 200 * time.Millisecond, Compress: true}), sessions: make(chan *session, 100)}
	s.prepare = func(x *session) {
		m := &tap{most: most}
		x.conn.SetMeter(m)
		taps <- m
	}
	s.Server = httptest.NewUnstartedServer(s.handler(t))
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, taps
}

// Whatever a client sends without end, the server stops to read it.
func TestInputWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	ping, long := frame(0x89, ""), frame(0x89, strings.Repeat("x", 125))
	for name, c := range map[string]struct{ begin, again []byte }{
		"empty fragments":              {frame(0x01, ""), frame(0x00, "")},
		"empty fragments, deflated":    {frame(0x41, ""), frame(0x00, "")},
		"fragments of a byte":          {frame(0x02, ""), frame(0x00, "x")},
		"pings":                        {nil, ping},
		"long pings":                   {nil, long},
		"pongs":                        {nil, frame(0x8a, "")},
		"pings within a message":       {frame(0x01, "a"), ping},
		"fragments and pings in turns": {frame(0x01, ""), append(frame(0x00, ""), frame(0x8a, "x")...)},
		"close frames":                 {nil, closeFrame(1000, "bye")},
		"messages after a close frame": {closeFrame(1000, ""), text("more")},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, taps := metered(t, 500, secure)
				cl, x := s.dial(t, "Sec-WebSocket-Extensions: permessage-deflate")
				meter := <-taps
				chunk := bytes.Repeat(c.again, 64<<10/len(c.again))
				var wrote sync.WaitGroup
				wrote.Go(func() {
					if _, err := cl.Write(c.begin); err != nil {
						return
					}
					for range 1000 { // 64 MiB
						if _, err := cl.Write(chunk); err != nil {
							return // as it should be
						}
					}
					t.Error("it read everything")
				})
				end := x.end(t)
				if !strings.Contains(name, "close frame") && (end.code != 4429 || realtime.CodeOf(end.err) != realtime.CodeLimited) {
					t.Errorf("it ended with %d, %v", end.code, end.err)
				}
				wrote.Wait()
				if n, _ := meter.seen(); n > 500+s.acceptor.o.ReadBuffer {
					t.Errorf("%d frames were taken in", n)
				}
			})
		}
	}
}

// A client that is closed for what it sends is told so.
func TestInputWithoutEndIsTold(t *testing.T) {
	t.Parallel()
	s, _ := metered(t, 10, false)
	c, x := s.dial(t)
	c.send(frame(0x01, "a"))
	for range 11 {
		c.send(frame(0x00, ""))
	}
	c.want("text error limited", "close 4429 slower")
	c.send(closeFrame(4429, ""))
	x.end(t)
}

// What ordinary clients do is not in the way of a meter, and is counted to the frame.
func TestMeterCounts(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 70_000)
	for name, c := range map[string]struct {
		send          [][]byte
		frames, bytes int
	}{
		"messages":        {[][]byte{text(""), text("a"), text(strings.Repeat("x", 200)), text(big)}, 0, 0},
		"a ping":          {[][]byte{frame(0x89, "")}, 1, 6},
		"a pong":          {[][]byte{frame(0x8a, "abc")}, 1, 9},
		"fragments":       {[][]byte{frame(0x01, "a"), frame(0x00, "b"), frame(0x80, "c")}, 2, 12},
		"large fragments": {[][]byte{frame(0x01, big[:60_000]), frame(0x00, big[:300]), frame(0x80, "")}, 2, 14},
		"interleaved":     {[][]byte{frame(0x01, "a"), frame(0x89, "x"), frame(0x80, "c")}, 2, 13},
	} {
		for _, piece := range []int{1 << 20, 7, 1} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, taps := metered(t, 1000, false)
				c2, x := s.dial(t)
				x.conn.SetReadLimit(1 << 20)
				meter := <-taps
				all := append(bytes.Join(c.send, nil), text("end")...)
				for len(all) > 0 {
					n := min(piece, len(all))
					if len(all) > 1000 && piece < 1000 {
						n = min(len(all)-100, 10_000)
					}
					c2.send(all[:n])
					all = all[n:]
				}
				for c2.next() != "text end" {
				}
				if frames, size := meter.seen(); frames != c.frames || size != c.bytes {
					t.Errorf("%d frames, %d bytes; want %d and %d", frames, size, c.frames, c.bytes)
				}
				c2.send(closeFrame(1000, ""))
				x.end(t)
			})
		}
	}
}

// countWhole is what a counter does, of input that is there as a whole.
func countWhole(p []byte) (frames, size int) {
	for len(p) >= 2 {
		n, header := uint64(p[1]&0x7f), 2
		switch n {
		case 126:
			header += 2
		case 127:
			header += 8
		}
		if p[1]&0x80 != 0 {
			header += 4
		}
		if len(p) < header {
			break
		}
		switch n {
		case 126:
			n = uint64(p[2])<<8 | uint64(p[3])
		case 127:
			n = 0
			for _, b := range p[2:10] {
				n = n<<8 | uint64(b)
			}
		}
		op := p[0] & 15
		if op != 1 && op != 2 {
			frames++
			size += header
		}
		if op >= 8 {
			size += int(min(n, 125))
		}
		p = p[header:]
		p = p[min(n, uint64(len(p))):]
	}
	return frames, size
}

// However the input is cut, it counts the same.
func FuzzCounter(f *testing.F) {
	f.Add(bytes.Join([][]byte{frame(0x01, ""), frame(0x00, "a"), frame(0x89, "b"), frame(0x80, strings.Repeat("c", 300))}, nil), uint8(3))
	f.Add([]byte{0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, cut uint8) {
		wantFrames, wantBytes := countWhole(input)
		var c counter
		frames, size := 0, 0
		for rest := input; len(rest) > 0; {
			n := min(int(cut)+1, len(rest))
			f, b := c.count(rest[:n])
			frames, size, rest = frames+f, size+b, rest[n:]
		}
		if frames != wantFrames || size != wantBytes {
			t.Fatalf("%d frames, %d bytes; want %d and %d", frames, size, wantFrames, wantBytes)
		}
	})
}

func BenchmarkCounter(b *testing.B) {
	payload := make([]byte, 200)
	_, _ = rand.Read(payload)
	message, empty := text(string(payload)), bytes.Repeat(frame(0, ""), 680)
	b.Run("message", func(b *testing.B) {
		var c counter
		for b.Loop() {
			c.count(message)
		}
	})
	b.Run("680 empty fragments", func(b *testing.B) {
		var c counter
		for b.Loop() {
			c.count(empty)
		}
	})
}

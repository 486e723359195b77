package socket

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"

func squeezed(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func unfolded(t *testing.T, p []byte) string {
	t.Helper()
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompression(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{Compress: true}, nil)
	long := strings.Repeat("prices:fx ", 1000)

	t.Run("both ways", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t, offer)
		c.send(frame(0xc1, squeezed(t, long)))
		first, payload, err := c.frame()
		if err != nil || first != 0xc1 || len(payload) > len(long)/10 || unfolded(t, payload) != long {
			t.Fatalf("got %#x, %d bytes, %v", first, len(payload), err)
		}
		c.send(append(frame(0x41, squeezed(t, long)[:20]), frame(0x80, squeezed(t, long)[20:])...))
		if first, payload, err = c.frame(); err != nil || first != 0xc1 || unfolded(t, payload) != long {
			t.Fatalf("fragments: got %#x, %d bytes, %v", first, len(payload), err)
		}
		c.send(frame(0xc1, squeezed(t, "")))
		c.send(text("not compressed"))
		c.send(frame(0x89, "control frames never are"))
		c.want("text", "text not compressed", "pong control frames never are")
		x.conn.Beat(time.Now())
		x.conn.Flush()
		c.want("ping")
		c.send(closeFrame(1000, ""))
		c.want("close 1000", "end")
		c.Close()
		x.end(t)
	})
	t.Run("unfolds to too much", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t, offer)
		c.send(frame(0xc1, squeezed(t, strings.Repeat("x", 65537))))
		c.want("text error too-large", "close 4413 a message must be at most 65536 bytes; send smaller ones", "end")
		c.Close()
		x.end(t)
	})
	t.Run("damaged", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t, offer)
		c.send(frame(0xc1, "\xff\xff\xff\xff"))
		c.want("close 1007 a compressed message is damaged", "end")
		c.Close()
		x.end(t)
	})
	t.Run("not offered", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t)
		c.send(text(long))
		c.want(describe(0x81, []byte(long)))
		c.send(frame(0xc1, "a"))
		c.want("close 1002 RSV1 set", "end")
		c.Close()
		x.end(t)
	})
	t.Run("something like it offered", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t, "Sec-WebSocket-Extensions: x-permessage-deflate-frame")
		c.send(text(long))
		c.want(describe(0x81, []byte(long)))
		c.Close()
		x.end(t)
	})
	t.Run("a window of another size", func(t *testing.T) {
		t.Parallel()
		c, x := s.dial(t, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10")
		c.send(text(long))
		c.want(describe(0x81, []byte(long)))
		c.Close()
		x.end(t)
	})
}

// TestDeflaterShares has readers of a frame share what is compressed, however many at once.
func TestDeflaterShares(t *testing.T) {
	t.Parallel()
	d := newDeflater()
	f := tell(strings.Repeat("a", 1000)).Bytes
	first := d.frame(f)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if z := d.frame(f); &z[0] != &first[0] {
				t.Error("compressed twice")
			}
		})
	}
	all.Wait()
	for range 10 * sharedDeflates {
		d.frame(tell(strings.Repeat("b", 1000)).Bytes)
	}
	if len(d.shared) != sharedDeflates {
		t.Errorf("%d frames kept, want %d", len(d.shared), sharedDeflates)
	}

	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, same := range map[string][]byte{"short": tell("aaaaaaaaaaaaaaaa").Bytes, "noise": NewFrame(Binary, noise).Bytes} {
		if z := d.frame(same); &z[0] != &same[0] {
			t.Errorf("%s: compressed, want it as it is", name)
		}
	}
}

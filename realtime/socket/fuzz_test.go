package socket

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/outbox"
)

// FuzzHeartbeat checks that what is taken for a ping or pong is one, whole and flawless.
func FuzzHeartbeat(f *testing.F) {
	f.Add(frame(0x89, ""))
	f.Add(frame(0x8a, "hello"))
	f.Add(append(frame(0x89, "hello"), text("more")...))
	f.Add(frame(0x89, string(make([]byte, 126))))
	f.Add([]byte{0x89, 0x05, 'h', 'e', 'l', 'l', 'o'})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		op, payload, size := heartbeat(b)
		if size == 0 {
			if !bytes.Equal(b, before) {
				t.Error("changed what it did not take")
			}
			return
		}
		// Mask it again: that has to give what there was.
		again := outbox.AppendFrameHeader(nil, final|byte(op), len(payload))
		again[1] |= masked
		again = append(again, before[2:6]...)
		for i, p := range payload {
			again = append(again, p^before[2+i%4])
		}
		if op != ping && op != pong || !bytes.Equal(again, before[:size]) {
			t.Errorf("%x is no heartbeat of %d bytes", before, size)
		}
	})
}

// FuzzClient lets a client send anything: the connection ends, and all that
// the client gets are whole frames.
func FuzzClient(f *testing.F) {
	for _, x := range exchanges() {
		if all := bytes.Join(x.send, nil); len(all) < 1000 {
			f.Add(all, false)
		}
	}
	f.Add(frame(0xc1, "\xff\xff"), true)
	f.Fuzz(func(t *testing.T, input []byte, compress bool) {
		s := newServer(t, Options{Compress: compress, CloseTimeout: time.Millisecond}, nil)
		c, x := s.dial(t, offer)
		go func() {
			_, _ = unfailing{c}.Write(append(input, closeFrame(1000, "")...))
			_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		for {
			if _, _, err := c.frame(); errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal("half a frame")
			} else if err != nil {
				break
			}
		}
		c.Close()
		x.end(t)
	})
}

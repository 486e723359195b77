package socket

import (
	"bytes"
	"compress/flate"
	"sync"

	"github.com/tidewire/tidewire/realtime/outbox"
)

const (
	// minDeflate is the payload in bytes below which compressing is not worth it.
	minDeflate = 128
	// sharedDeflates is how many compressed frames are kept for their other readers. The frames of
	// a Publication are written to all readers in a row, so few are enough.
	sharedDeflates = 64
)

// deflater compresses frames (RFC 7692), each on its own, so that all readers of a
// frame share the compressed one. It is safe for concurrent use.
type deflater struct {
	writers sync.Pool

	mu     sync.Mutex          // guards both below
	shared map[*byte]*deflated // by the frame's first byte
	ring   [sharedDeflates]*byte
	next   int
}

// deflated is a frame that the first to need it compresses.
type deflated struct {
	once  sync.Once
	frame []byte
}

func newDeflater() *deflater {
	return &deflater{
		shared: make(map[*byte]*deflated, sharedDeflates),
		writers: sync.Pool{New: func() any {
			w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is a valid one
			return w
		}},
	}
}

// frame returns the frame compressed, or itself if that would not be shorter.
func (d *deflater) frame(f []byte) []byte {
	switch {
	case len(f) < minDeflate:
		return f
	case len(f) > maxWrite:
		return d.compress(f) // too large to be kept
	}
	z := d.entry(f)
	z.once.Do(func() { z.frame = d.compress(f) })
	return z.frame
}

func (d *deflater) entry(f []byte) *deflated {
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.shared[&f[0]]
	if z == nil {
		z = &deflated{}
		delete(d.shared, d.ring[d.next])
		d.shared[&f[0]], d.ring[d.next] = z, &f[0]
		d.next = (d.next + 1) % len(d.ring)
	}
	return z
}

func (d *deflater) compress(f []byte) []byte {
	plain := outbox.Frame{Bytes: f}.Payload()
	var z bytes.Buffer
	w := d.writers.Get().(*flate.Writer)
	defer d.writers.Put(w)
	w.Reset(&z)
	if _, err := w.Write(plain); err != nil {
		return f
	}
	if err := w.Flush(); err != nil {
		return f
	}
	data := bytes.TrimSuffix(z.Bytes(), []byte{0, 0, 0xff, 0xff}) // section 7.2.1: the receiver adds it again
	if len(data) >= len(plain) {
		return f
	}
	b := outbox.AppendFrameHeader(make([]byte, 0, outbox.MaxFrameHeader+len(data)), f[0]|compressed, len(data))
	return append(b, data...)
}

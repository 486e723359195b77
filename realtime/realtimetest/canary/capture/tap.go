package capture

import (
	"net"
	"sync"
)

// Tap is a connection that keeps every byte it has read, below any protocol.
type Tap struct {
	net.Conn

	mu   sync.Mutex
	read []byte // guarded by mu
}

// NewTap returns a Tap on a connection.
func NewTap(c net.Conn) *Tap { return &Tap{Conn: c} }

// Read reads, and keeps what came.
func (t *Tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	t.read = append(t.read, b[:n]...)
	t.mu.Unlock()
	return n, err
}

// Len returns how many bytes came.
func (t *Tap) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.read)
}

// Part returns the bytes from one place to another; they are not changed.
func (t *Tap) Part(from, to int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read[min(from, len(t.read)):min(to, len(t.read))]
}

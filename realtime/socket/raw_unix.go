//go:build unix

package socket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn returns the way to read and write nc without blocking, or nil. Only the types of
// net itself will do: a wrapper may pass the descriptor on and yet hold data of its own.
func rawConn(nc net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil // closed already; the next read says so
	}
	return raw
}

// readAvailable is called with the descriptor whenever it may be readable. It
// takes a buffer only to read into, and answers false if there was nothing.
func (s *stream) readAvailable(fd uintptr) bool {
	if s.input == nil {
		s.input = s.a.inputs.Get().(*[]byte)
	}
	n, err := syscall.Read(int(fd), *s.input)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), *s.input)
	}
	if n > 0 {
		s.ahead, s.err = (*s.input)[:n], nil
		return true
	}
	s.a.inputs.Put(s.input)
	s.input = nil
	if err == syscall.EAGAIN {
		return false
	}
	s.err = readError(n, err)
	return true
}

// writeAvailable writes as much of b.rest as the kernel takes at once.
func (b *batch) writeAvailable(fd uintptr) bool {
	n, err := syscall.Write(int(fd), b.rest)
	for err == syscall.EINTR {
		n, err = syscall.Write(int(fd), b.rest)
	}
	switch {
	case n > 0:
		b.rest = b.rest[n:]
	case err != syscall.EAGAIN:
		b.err = err
	}
	return true // never wait
}

// readError gives an error of a read on the bare descriptor the form net's have.
func readError(n int, err error) error {
	switch {
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return io.EOF
	}
	return nil
}

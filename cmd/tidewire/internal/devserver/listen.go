package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/tidewire/tidewire/realtime"
)

// These ports are tried when nobody asked for the default one and it is in use. The examples have 8081 to 8084.
const firstOther, lastOther = 8090, 8099

// listen listens where it was told, or else where it can, and says so.
func (d *Server) listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", d.o.Addr)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return l, addressError(err)
	}
	host, port, split := net.SplitHostPort(d.o.Addr)
	if split != nil {
		return nil, err
	}
	if !d.o.AnyPort {
		return nil, fmt.Errorf("--addr: port %s is in use on this machine; choose another one, such as tidewire dev --addr %s, or make dev PORT=%d (port 0 picks a free one)",
			port, net.JoinHostPort(host, strconv.Itoa(firstOther)), firstOther)
	}
	for other := firstOther; other <= lastOther; other++ {
		if l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(other))); err == nil {
			d.o.Logger.WarnContext(ctx, "the port is in use, so dev uses another one; choose one with --addr or make dev PORT=", realtime.KeyAddress, l.Addr().String())
			return l, nil
		}
	}
	return nil, fmt.Errorf("ports %s and %d to %d are in use on this machine; choose another one with --addr, or make dev PORT=", port, firstOther, lastOther)
}

func addressError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--addr: %w", err)
}

// reachable returns the address by which a browser on this machine gets to it.
func reachable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return a.String()
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

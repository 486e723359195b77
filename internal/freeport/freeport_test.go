package freeport_test

import (
	"net"
	"testing"

	"github.com/tidewire/tidewire/internal/freeport"
)

func TestAddr(t *testing.T) {
	t.Parallel()
	addr := freeport.Addr(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if port := l.Addr().(*net.TCPAddr).Port; port < 10_000 || port >= 30_000 {
		t.Errorf("the port is %d", port)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

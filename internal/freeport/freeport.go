// Package freeport finds ports for processes that tests start and that have to be told theirs.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports below those that systems give to connections by themselves (32768 on Linux, 49152 by RFC 6335): one of
// the many of a test run could take one of those before the process does.
const first, count = 10_000, 20_000

// Addr returns an address of this machine on which nobody listens.
func Addr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(count)))) //nolint:gosec // any will do
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

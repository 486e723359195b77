package devserver

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// The default port may be in use. If nobody asked for it, another one is taken, and said; if somebody did, the error
// says how to have another one (TestDevRefuses).
func TestDefaultPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var log bytes.Buffer // of startup alone, which is over when it is read
	o := Options{Addr: l.Addr().String(), AnyPort: true, Backend: "memory", State: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	d, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(d.url, "http://"))
	if err != nil || len(port) != 4 || !strings.HasPrefix(port, "809") {
		t.Errorf("it is at %s: %v", d.url, err)
	}
	if said := log.String(); !strings.Contains(said, "port is in use") || !strings.Contains(said, ":"+port) {
		t.Errorf("it says %s", said)
	}
}

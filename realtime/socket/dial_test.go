package socket

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

func TestDial(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{Subprotocols: []string{"tidewire.v1.json"}}, nil)
	url := "ws" + strings.TrimPrefix(s.URL, "http")
	c, err := Dial(t.Context(), url, nil, "tidewire.v1.json", "bearer.x")
	if err != nil {
		t.Fatal(err)
	}
	x := <-s.sessions
	if got := x.conn.Subprotocol(); got != "tidewire.v1.json" {
		t.Errorf("subprotocol %q", got)
	}
	if err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Read(patience); err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	x.conn.Shut(realtime.Errorf(realtime.CodeReplaced, "another took its place"))
	_, err = c.Read(patience)
	var closed *CloseError
	if !errors.As(err, &closed) {
		t.Fatalf("got %v, want a *CloseError", err)
	}
	if diff := cmp.Diff(&CloseError{4409, "another took its place"}, closed); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	x.end(t)
}

func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Dial(ctx, "ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	x := <-s.sessions
	cancel()
	if _, err := c.Read(patience); err == nil {
		t.Error("read a message after the end of the context")
	}
	if e := x.end(t); e.code != 1006 {
		t.Errorf("ended with %+v, want 1006", e)
	}
	if _, err := Dial(ctx, "ws"+strings.TrimPrefix(s.URL, "http"), nil); err == nil {
		t.Error("connected without a context")
	}
}

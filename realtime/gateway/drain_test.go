package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

func (s *service) get(path string, header http.Header) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{DrainSpread: 4 * time.Second})
	peers := make([]*peer, 64)
	for i := range peers {
		peers[i] = s.connect("acme", fmt.Sprintf("user-%d", i))
	}
	waiting := s.dial("") // has not said who it is
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp := s.get(path, nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- s.gateway.Close(ctx)
	}()
	delays := map[int64]bool{}
	for _, p := range append(peers, waiting) {
		f := p.closed(1012)
		if f.Code != realtime.CodeDraining || f.RetryAfterMs < 500 || f.RetryAfterMs > 4500 {
			t.Errorf("told %+v", f)
		}
		delays[f.RetryAfterMs] = true
	}
	if len(delays) < 56 { // of 65, spread over 4,000 ms
		t.Errorf("many come back at the same time: %d different delays of %d", len(delays), len(peers)+1)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/readyz", "/v1/socket", "/v1/events?channel=a:1"} {
		if resp := s.get(path, nil); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, Retry-After %q", path, resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	if resp := s.get("/healthz", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %s", resp.Status)
	}
	if n := s.counts.of(realtime.CountDisconnects, "draining"); n != len(peers) {
		t.Errorf("%d disconnects were counted", n)
	}
}

// Close does not wait for those who do not go when its time is up.
func TestDrainCutsOff(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := start(t, gateway.Options{Hooks: gateway.HookFuncs{
		OnCall: func(ctx context.Context, _ *gateway.Client, _ string, _ json.RawMessage) (any, error) {
			close(entered)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}})
	p := s.connect("acme", "ann")
	p.send(`{"type":"call","id":1,"route":"r"}`)
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.gateway.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close returned %v", err)
	}
}

func TestUnknownPath(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	if resp := s.get("/v2/socket", nil); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	if resp := s.get("/v1/socket", nil); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a request that is no handshake: %s", resp.Status)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if _, err := gateway.New(gateway.Options{}); err == nil {
		t.Error("there is no broker, and New does not mind")
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.gateway.Serve(ctx, l, nil) }()
	p := s.connect("acme", "ann")
	stop()
	p.closed(1012)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestClientIsAskedToMove(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Lifetime: 2 * time.Second})
	p := s.connect("acme", "ann")
	f, err := p.next()
	if err != nil || f.Type != wire.TypeMove || f.AfterMs <= 0 || f.AfterMs > 5000 {
		t.Errorf("got %+v, %v", f, err)
	}
	p.send(`{"id":1,"type":"ping"}`) // it may stay as long as the platform lets it
	p.expect(`{"type":"pong","id":1}`)
}

// A gateway that is given no time to close cuts its clients off, and says so only if there were any.
func TestCloseWithoutTime(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	said := &logged{}
	o := gateway.Options{Registry: memory.NewRegistry(), Logger: slog.New(slog.NewTextHandler(said, nil))}
	for range 20 { // whichever of two things that are so is looked at first
		_ = start(t, o).gateway.Close(ended) // what it holds elsewhere may not be let go in no time
	}
	if n := said.of("clients were cut off"); n != 0 {
		t.Errorf("nobody was there, and clients were cut off %d times", n)
	}
	s := start(t, o)
	p := s.connect("acme", "ann")
	_ = s.gateway.Close(ended)
	for range 3 {
		if _, err := p.next(); err != nil {
			return
		}
	}
	t.Error("the client is still there")
}

// logged is what was logged, as text.
type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) of(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), message)
}

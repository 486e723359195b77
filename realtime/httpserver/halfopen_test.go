package httpserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Connections that say nothing, or only begin to, give way to those that ask.
func TestHalfOpenConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	held, began := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			close(began)
			<-held
		}
		_, _ = io.WriteString(w, "ok")
	}))
	open := newHalfOpen(10)
	server.Config.ConnState = open.state
	server.Start()
	defer server.Close()
	defer close(held)
	dial := func(say string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
		return c
	}
	answering := dial("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began // until then it is as silent as the others
	var silent []net.Conn
	for i := range 100 {
		silent = append(silent, dial([]string{"", "GET / HTTP/1.1\r\nHost: x\r\n"}[i%2]))
	}
	for i := range 20 { // one keeps alive what it has
		c := dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %+v, %v", i, res, err)
		}
		_ = res.Body.Close()
	}
	for _, c := range silent[:80] { // most of them, as they came
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatalf("%d bytes came to who had asked nothing", n)
		}
	}
	held <- struct{}{}
	if res, err := http.ReadResponse(bufio.NewReader(answering), nil); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the one that was being answered: %+v, %v", res, err)
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	if len(open.at) > 10 || len(open.at) != open.order.Len() {
		t.Error(fmt.Sprint(len(open.at), " are kept, ", open.order.Len(), " in order"))
	}
}

// Connections on which nobody asks anything do not hold up the end of a server: http.Server waits five seconds for a first request.
func TestSilentConnectionsDoNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(http.NotFoundHandler(), Options{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	for _, say := range []string{"", "GET / HTTP/1.1\r\nHost: x\r\n"} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
	}
	for open := 0; open < 2; time.Sleep(time.Millisecond) {
		s.half.mu.Lock()
		open = s.half.order.Len()
		s.half.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

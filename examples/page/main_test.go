package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// What the page does, without a browser: it loads its parts, asks for a token and reads the clock.
func TestPage(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, l) }()
	get := func(path string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s (%v)", path, resp.Status, err)
		}
		return string(body)
	}
	for path, want := range map[string]string{"/": "/page.js", "/page.js": "/tidewire.js", "/tidewire.js": "export"} {
		if !strings.Contains(get(path), want) {
			t.Errorf("%s holds no %s", path, want)
		}
	}
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+l.Addr().String()+"/v1/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connect","token":"`+get("/token")+`","subscriptions":[{"channel":"clock:utc"}]}`))
	for _, want := range []string{`"type":"welcome"`, `"type":"ok"`, `"key":"now"`} {
		_, frame, err := ws.ReadMessage()
		if err != nil || !strings.Contains(string(frame), want) {
			t.Fatalf("want %s, got %s (%v)", want, frame, err)
		}
	}
	_ = ws.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

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

	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// What the page does, without a browser: it loads its parts, asks for a token, says something and hears it.
func TestPage(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- local.Serve(ctx, l, func(p *local.Parts) (*gateway.Gateway, error) {
			p.Mux.HandleFunc("GET /token", local.Token(p.Signer, "guest", talk))
			return build(p)
		})
	}()
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
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connect","token":"`+get("/token")+`","subscriptions":[{"channel":"talk:all"}]}`))
	var heard strings.Builder
	hear := func(frames int) {
		t.Helper()
		for range frames {
			_, frame, err := ws.ReadMessage()
			if err != nil {
				t.Fatalf("after %s: %v", heard.String(), err)
			}
			heard.Write(frame)
		}
	}
	hear(2) // welcome and the answer to the subscription, which begins with it
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"publish","id":1,"channel":"talk:all","data":"hello"}`))
	hear(2) // the answer to the publish and its message, in any order
	for _, want := range []string{`"type":"welcome"`, `"type":"ok","channel":"talk:all"`, `"type":"ok","id":1,"event"`, `"data":"hello"`} {
		if !strings.Contains(heard.String(), want) {
			t.Errorf("no %s in %s", want, heard.String())
		}
	}
	_ = ws.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

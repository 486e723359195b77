package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEcho(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]socket.Options{
		"plain":      {ReadLimit: 8 << 20},
		"compressed": {ReadLimit: 8 << 20, Compress: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEchoes(o)
			server := httptest.NewServer(e)
			defer server.Close()
			dialer := websocket.Dialer{EnableCompression: true}
			ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			const messages = 8
			want := strings.Repeat("0123456789abcdef", 1<<16)
			go func() { // sends more than is read, and so has to be held back
				for i := range messages {
					if err := ws.WriteMessage(websocket.TextMessage+i%2, []byte(want)); err != nil {
						t.Error(err)
					}
				}
			}()
			for i := range messages {
				kind, got, err := ws.ReadMessage()
				if err != nil || kind != websocket.TextMessage+i%2 || string(got) != want {
					t.Fatalf("message %d: got %d bytes of kind %d, %v", i, len(got), kind, err)
				}
			}
			done := make(chan struct{})
			go func() { defer close(done); e.shut() }()
			if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
				t.Errorf("got %v, want a close with 1012", err)
			}
			ws.Close()
			<-done
		})
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", false) }()
	cancel()
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("run did not end")
	}
}

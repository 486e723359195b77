package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhoHasADeskReadsIt(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	signers, ended := make(chan *auth.Signer, 1), make(chan error, 1)
	go func() {
		ended <- local.Serve(ctx, l, func(p *local.Parts) (*gateway.Gateway, error) {
			signers <- p.Signer
			return build(p)
		})
	}()
	signer := <-signers
	for user, want := range map[string][]string{
		"ann": {`"type":"welcome"`, `"type":"ok","id":1`, `"code":"forbidden"`},
		"bob": {`"type":"welcome"`, `"type":"ok","id":1`, `"type":"ok","id":2`},
		"eve": {`"code":"forbidden","message":"eve has no desk"`},
	} {
		token, err := signer.Sign(auth.Claims{User: user, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+l.Addr().String()+"/v1/socket", http.Header{"Authorization": {"Bearer " + token}})
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"desk:fx"}`))
		for i, text := range want {
			if i == 2 {
				_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":2,"channel":"desk:rates"}`))
			}
			_, frame, err := ws.ReadMessage()
			if err != nil || !strings.Contains(string(frame), text) {
				t.Errorf("%s: want %s, got %s (%v)", user, text, frame, err)
			}
		}
		_ = ws.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

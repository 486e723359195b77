package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOrderIsAnsweredAndPublished(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	tokens, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- local.Serve(ctx, l, func(p *local.Parts) (*gateway.Gateway, error) {
			token, err := p.Signer.Sign(auth.Claims{
				User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"orders:*"}}, Expires: time.Now().Add(time.Hour),
			})
			tokens <- token
			if err != nil {
				return nil, err
			}
			return build(p)
		})
	}()
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+l.Addr().String()+"/v1/socket", http.Header{"Authorization": {"Bearer " + <-tokens}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	ask := func(frame string, answers int) {
		t.Helper()
		if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		for range answers {
			var f struct {
				Type, Code string
				Data       json.RawMessage
			}
			if err := ws.ReadJSON(&f); err != nil {
				t.Fatal(err)
			}
			seen[f.Type+f.Code] = string(f.Data)
		}
	}
	ask(`{"type":"connect","subscriptions":[{"channel":"orders:book"}]}`, 2)
	ask(`{"type":"call","id":1,"route":"orders.place","data":{"symbol":"EURUSD","amount":5}}`, 2)
	want := `{"number":1,"by":"ann","symbol":"EURUSD","amount":5}`
	if seen["ok"] != want || seen["message"] != want {
		t.Errorf("answered and published: %v", seen)
	}
	ask(`{"type":"call","id":2,"route":"orders.place","data":{"amount":-5}}`, 1)
	ask(`{"type":"call","id":3,"route":"orders.eat"}`, 1)
	if _, ok := seen["errorbad-request"]; !ok {
		t.Error("an order below nothing was taken")
	}
	if _, ok := seen["errornot-found"]; !ok {
		t.Error("a route that is not there was answered")
	}
	_ = ws.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

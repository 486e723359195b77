package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// A program mounts the gateway beside its own handlers and answers the calls of its clients.
func ExampleNew() {
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{
		{Alg: "HS256", Secret: "a secret of thirty-two bytes or more"},
	}}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		fmt.Println(err)
		return
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	defer broker.Close(context.Background())
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants, Hooks: gateway.HookFuncs{
		OnCall: func(_ context.Context, c *gateway.Client, route string, _ json.RawMessage) (any, error) {
			return "hello " + c.Principal.User, nil
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close(context.Background())
	mux := http.NewServeMux()
	mux.Handle("/v1/", g)
	server := httptest.NewServer(mux)
	defer server.Close()

	// A client of any make: here, one call.
	signer, _ := auth.NewSigner(acme)
	token, _ := signer.Sign(auth.Claims{User: "ann", Expires: time.Now().Add(time.Hour)})
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/v1/socket",
		http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ws.Close()
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"call","id":1,"route":"greet"}`))
	_, _, _ = ws.ReadMessage() // welcome
	_, answer, _ := ws.ReadMessage()
	fmt.Printf("%s\n", answer)
	// Output: {"type":"ok","id":1,"data":"hello ann"}
}

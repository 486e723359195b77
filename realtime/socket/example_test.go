package socket_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
)

// greeter answers every message of one client.
type greeter struct {
	conn   *socket.Conn
	outbox *outbox.Outbox
}

func (g *greeter) Message(payload []byte) *realtime.Error {
	if len(payload) == 0 {
		return realtime.Errorf(realtime.CodeBadRequest, "say who you are")
	}
	g.outbox.Push(&outbox.Delivery{Frame: socket.NewFrame(socket.Text, fmt.Appendf(nil, "hello %s", payload))})
	g.conn.Flush()
	return nil
}

func (g *greeter) Closed(code int, err error) {
	fmt.Println("closed:", code, err)
}

func ExampleAcceptor() {
	acceptor := socket.NewAcceptor(socket.Options{Subprotocols: []string{"greeting"}})
	limits := &outbox.Limits{Messages: 100, Bytes: 1 << 20}
	accepted := make(chan *socket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := acceptor.Accept(w, r)
		if err != nil {
			return // the client has been told
		}
		g := &greeter{conn: conn, outbox: outbox.New(nil, limits)}
		conn.Start(context.Background(), g.outbox, g)
		accepted <- conn
	}))
	defer server.Close()

	dialer := websocket.Dialer{Subprotocols: []string{"greeting"}}
	client, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, who := range []string{"Ann", ""} {
		if err := client.WriteMessage(websocket.TextMessage, []byte(who)); err != nil {
			fmt.Println(err)
		}
		_, answer, err := client.ReadMessage()
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(string(answer))
	}
	client.Close()
	(<-accepted).Wait()
	// Output:
	// hello Ann
	// websocket: close 4400: say who you are
	// closed: 4400 say who you are
}

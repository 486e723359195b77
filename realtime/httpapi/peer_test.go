package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime/wire"
)

// peer is a plain WebSocket client.
type peer struct {
	t  testing.TB
	ws *websocket.Conn
	id string
}

// dial opens a socket, whatever the service thinks of the token.
func (s *service) dial(token string) *peer {
	s.t.Helper()
	header := http.Header{"Sec-Websocket-Protocol": {wire.Subprotocol + ", bearer." + token}}
	ws, resp, err := websocket.DefaultDialer.DialContext(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/socket", header)
	if err != nil {
		s.t.Fatalf("dial: %v", err)
	}
	_ = resp.Body.Close()
	s.t.Cleanup(func() { _ = ws.Close() })
	return &peer{t: s.t, ws: ws}
}

// connect opens a socket and waits until the registry knows it.
func (s *service) connect(tenant, user string) *peer {
	s.t.Helper()
	p := s.dial(s.token(tenant, user))
	f, err := p.next()
	if err != nil || f.Type != wire.TypeWelcome {
		s.t.Fatalf("%v, %+v", err, f)
	}
	p.id = f.Connection
	s.registry.await(s.t, tenant, p.id, true)
	return p
}

// next returns the next frame that is no heartbeat.
func (p *peer) next() (wire.ServerFrame, error) {
	p.t.Helper()
	for {
		if err := p.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			p.t.Fatal(err)
		}
		_, payload, err := p.ws.ReadMessage()
		if err != nil {
			return wire.ServerFrame{}, err
		}
		f, err := wire.DecodeServer(payload)
		if err != nil {
			p.t.Fatalf("%s: %v", payload, err)
		}
		if f.Type != wire.TypeHeartbeat {
			return f, nil
		}
	}
}

// expect takes a frame.
func (p *peer) expect(kind wire.Type, data string) {
	p.t.Helper()
	f, err := p.next()
	if err != nil || f.Type != kind || data != "" && string(f.Data) != data {
		p.t.Errorf("got %+v, %v; want %s %s", f, err, kind, data)
	}
}

// quiet shows that nothing has come but the answer to a ping, which travels the same way.
func (p *peer) quiet() {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)); err != nil {
		p.t.Fatal(err)
	}
	p.expect(wire.TypePong, "")
}

// closed takes what comes until the socket is closed, which has to be with the code.
func (p *peer) closed(code int) {
	p.t.Helper()
	for {
		f, err := p.next()
		if err == nil {
			if f.Type != wire.TypeError && f.Type != wire.TypeWelcome {
				p.t.Errorf("before its close came %+v", f)
			}
			continue
		}
		if !websocket.IsCloseError(err, code) {
			p.t.Errorf("want close code %d, got %v", code, err)
		}
		_ = p.ws.Close()
		return
	}
}

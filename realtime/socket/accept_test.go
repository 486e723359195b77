package socket

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
)

func TestSubprotocol(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{Subprotocols: []string{"tidewire.v1.json", "tidewire.v0.json"}}, nil)
	for name, tt := range map[string]struct {
		header []string
		want   string
	}{
		"none offered":      {nil, ""},
		"ours":              {[]string{"tidewire.v1.json"}, "tidewire.v1.json"},
		"beside a token":    {[]string{"bearer.e30.e30.x, tidewire.v1.json"}, "tidewire.v1.json"},
		"a token alone":     {[]string{"bearer.e30.e30.x"}, ""},
		"unknown":           {[]string{"chat, superchat"}, ""},
		"our preference":    {[]string{"tidewire.v0.json,tidewire.v1.json"}, "tidewire.v1.json"},
		"two header lines":  {[]string{"bearer.e30.e30.x", "tidewire.v1.json"}, "tidewire.v1.json"},
		"cases are letters": {[]string{"Tidewire.V1.json"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			for _, h := range tt.header {
				header = append(header, "Sec-WebSocket-Protocol: "+h)
			}
			c, res := s.request(t, header...)
			x := <-c.session
			if got := res.Header.Get("Sec-Websocket-Protocol"); got != tt.want {
				t.Errorf("answered %q, want %q", got, tt.want)
			}
			if got := x.conn.Subprotocol(); got != res.Header.Get("Sec-Websocket-Protocol") {
				t.Errorf("the Conn says %q", got)
			}
			c.Close()
			x.end(t)
		})
	}
}

func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	const ok = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://a.test\r\n\r\n"
	for name, tt := range map[string]struct {
		old, new string
		status   int
		code     realtime.Code
	}{
		"no upgrade":       {"Connection: Upgrade\r\n", "", 400, realtime.CodeBadRequest},
		"another protocol": {"Upgrade: websocket", "Upgrade: h2c", 400, realtime.CodeBadRequest},
		"another version":  {"Version: 13", "Version: 8", 400, realtime.CodeBadRequest},
		"a short key":      {"dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 400, realtime.CodeBadRequest},
		"POST":             {"GET", "POST", 405, realtime.CodeBadRequest},
		"another origin":   {"a.test", "b.test", 403, realtime.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := NewAcceptor(Options{CheckOrigin: func(r *http.Request) bool { return r.Header.Get("Origin") == "https://a.test" }})
			refused := make(chan error, 1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := a.Accept(w, r)
				refused <- err
			}))
			defer s.Close()
			nc, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := io.WriteString(nc, strings.Replace(ok, tt.old, tt.new, 1)); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(newClient(t, nc).r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || res.Header.Get("Sec-Websocket-Version") != "13" {
				t.Errorf("status %d, version %q, want %d and 13", res.StatusCode, res.Header.Get("Sec-Websocket-Version"), tt.status)
			}
			if err := <-refused; realtime.CodeOf(err) != tt.code {
				t.Errorf("got %v, want code %s", err, tt.code)
			}
		})
	}
}

func TestClientThatDoesNotWaitIsRefused(t *testing.T) {
	t.Parallel()
	refused := make(chan error, 1)
	a := NewAcceptor(Options{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := a.Accept(w, r)
		refused <- err
	}))
	defer s.Close()
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write(append([]byte(handshake+"\r\n"), text("early")...)); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("got %v, want code bad-request", err)
	}
}

func TestNotHijackable(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, h := range [][2]string{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-Websocket-Version", "13"}, {"Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}} {
		r.Header.Set(h[0], h[1])
	}
	_, err := NewAcceptor(Options{}).Accept(w, r)
	if realtime.CodeOf(err) != realtime.CodeInternal || w.Code != http.StatusInternalServerError {
		t.Errorf("got %v and status %d, want code internal and 500", err, w.Code)
	}
	if !errors.Is(err, http.ErrNotSupported) && !strings.Contains(err.Error(), "not supported") {
		t.Errorf("%v does not tell that the ResponseWriter cannot be hijacked", err)
	}
}

// TestGorillaClient uses a client that was written by others.
func TestGorillaClient(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{"plain": {}, "compressed": {Compress: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, o, nil)
			dialer := websocket.Dialer{EnableCompression: true, HandshakeTimeout: patience}
			ws, res, err := dialer.Dial("ws"+strings.TrimPrefix(s.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			if got := strings.Contains(res.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate"); got != o.Compress {
				t.Fatalf("compression agreed on: %t, want %t", got, o.Compress)
			}
			x := <-s.sessions
			for _, n := range []int{0, 1, 125, 126, 1000, 60000} {
				for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
					want := strings.Repeat("tide ", n)[:n]
					if err := ws.WriteMessage(kind, []byte(want)); err != nil {
						t.Fatal(err)
					}
					gotKind, got, err := ws.ReadMessage()
					if err != nil || gotKind != kind || string(got) != want {
						t.Fatalf("%d bytes of kind %d: got %d of kind %d, %v", n, kind, len(got), gotKind, err)
					}
				}
			}
			x.conn.Shut(realtime.Errorf(realtime.CodeDraining, "bye"))
			if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
				t.Errorf("got %v, want a close with 1012", err)
			}
			ws.Close()
			if e := x.end(t); e.code != 1012 || realtime.CodeOf(e.err) != realtime.CodeDraining {
				t.Errorf("ended with %+v, want 1012 and draining", e)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := &server{acceptor: NewAcceptor(Options{CloseTimeout: time.Hour}), sessions: make(chan *session, 1)}
	s.Server = httptest.NewTLSServer(s.handler(t))
	defer s.Close()
	c, x := s.dial(t)
	c.send(text("a"))
	c.want("text a")
	c.send(frame(0x89, "p"))
	c.want("pong p")
	c.send(append(frame(0x01, "b"), frame(0x80, "c")...))
	c.want("text bc")
	go c.send(text(strings.Repeat("x", 60000)))
	c.want(describe(0x81, []byte(strings.Repeat("x", 60000))))
	c.send(closeFrame(1000, ""))
	c.want("close 1000", "end")
	c.Close()
	if e := x.end(t); e != (ending{1000, nil}) {
		t.Errorf("ended with %+v, want 1000", e)
	}
}

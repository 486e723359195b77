package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// A request that declares a body is answered and hung up on at once, whatever its path: nobody waits for what may never come.
func TestNoPathTakesABody(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	token := s.token("acme", "ann")
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, line := range []string{"GET /v1/socket", "GET /v1/events?channel=a:1", "GET /healthz", "GET /readyz", "GET /nowhere", "POST /v1/socket", "PUT /v1/events", "OPTIONS /v1/events", "HEAD /healthz"} {
		for _, body := range []string{"Content-Length: 10\r\n", "Content-Length: 1000000000\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 10\r\nExpect: 100-continue\r\n"} {
			t.Run(line+" "+strings.ReplaceAll(body, "\r\n", " "), func(t *testing.T) {
				t.Parallel()
				conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				if _, err := io.WriteString(conn, line+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\n"+upgrade+body+"\r\n"); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(conn)
				method, _, _ := strings.Cut(line, " ")
				res, err := http.ReadResponse(r, &http.Request{Method: method})
				if err != nil || res.StatusCode != http.StatusBadRequest && res.StatusCode != http.StatusNotFound {
					t.Fatalf("%+v, %v", res, err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					t.Errorf("the connection stays open: %v", err)
				}
			})
		}
	}
}

// A server that Serve runs waits for nobody for ever, and does not cut what is meant to last.
func TestServersDeadlinesSpareStreams(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	server := &http.Server{Handler: s.gateway, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	s.url = "http://" + l.Addr().String()
	token := s.token("acme", "ann")
	page, peer := s.open(token, "", "a:1"), s.connect("acme", "ann")
	peer.send(`{"type":"subscribe","id":1,"channel":"a:1"}`)
	peer.expect(`{"type":"ok"}`)
	page.expect("", `{}`)
	page.expect("welcome", `{}`)
	page.expect("ok", `{}`)
	for range 2 { // which the server ends as late as it would have ended the others
		idle, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, idle)
		_ = idle.Close()
	}
	peer.send(`{"type":"publish","id":2,"channel":"a:1","data":1}`)
	peer.take(2)
	page.expect("", `{"type":"message","data":1}`)
	page.leave()
}

// A body that never comes, a header that never ends and an answer that nobody takes end with the server's deadlines.
// (How long these are a static check of every server says: internal/servers.)
func TestListenAndServe(t *testing.T) {
	t.Parallel()
	tenants, err := memory.NewTenants(tenant("acme"))
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	defer broker.Close(context.Background())
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.ListenAndServe(ctx, "127.0.0.1:0", nil); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if err := g.ListenAndServe(t.Context(), "256.0.0.1:0", nil); err == nil {
		t.Error("it listens at an address that is none")
	}
}

// Silent sockets lose their places to those who come later, the oldest first, and all of them are told when to come back.
func TestSilentSocketsGiveWay(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{
		Remote:     func(r *http.Request) string { return r.Header.Get("From") },
		FirstFrame: 10 * time.Minute, // whoever loses its place loses it to others, however long they take to come
	})
	dial := func(from string) *peer { return s.dialWith(http.Header{"From": {from}}, "") }
	connect := func(p *peer, user string) {
		t.Helper()
		p.send(`{"type":"connect","token":"` + s.token("acme", user) + `"}`)
		p.expect(`{"type":"welcome"}`)
	}
	early := dial("10.0.0.1") // waits, like the silent ones
	silent := make([]*peer, 0, 1100)
	for i := range 1100 { // of five addresses, as many as may be of each
		silent = append(silent, dial(fmt.Sprintf("10.1.1.%d", i%5)))
	}
	for range 3 {
		connect(dial("10.0.0.2"), "ann")
	}
	connect(early, "bob") // alone at its address, it has not lost its place
	for _, p := range silent[:50] {
		if last := p.closed(1013); last.Code != realtime.CodeUnavailable || last.RetryAfterMs == 0 {
			t.Fatalf("the last frame is %+v", last)
		}
	}
	if n := s.counts.of(realtime.CountRefusals, "waiting"); n < 101 || n > 110 {
		t.Errorf("%d were evicted", n)
	}
	connect(silent[len(silent)-1], "cid") // the newest wait on
}

// One address does not hold more than its share, also if it is a whole network of IPv6.
func TestSilentSocketsOfOneAddress(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]func(i int) string{
		"IPv4": func(int) string { return "10.0.0.1" },
		"IPv6": func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, gateway.Options{Remote: func(r *http.Request) string { return r.Header.Get("From") }})
			all := make([]*peer, 300)
			for i := range all {
				all[i] = s.dialWith(http.Header{"From": {from(i)}}, "")
			}
			for _, p := range all[:50] {
				p.closed(1013)
			}
			all[50].send(`{"type":"connect","token":"` + s.token("acme", "ann") + `"}`)
			all[50].expect(`{"type":"welcome"}`)
		})
	}
}

// Sockets of clients who are turned away and do not listen are bounded, too: later ones are answered by a status.
func TestTurnedAwaySocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	accepted, answered := 0, 0
	var all []*websocket.Conn
	for range 1100 {
		ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/socket", http.Header{"Authorization": {"Bearer a.b.c"}})
		if err != nil {
			if res == nil || res.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%+v, %v", res, err)
			}
			answered++
			continue
		}
		accepted++
		all = append(all, ws)
	}
	if accepted < 900 {
		t.Errorf("%d were accepted and told why, %d by a status", accepted, answered)
	}
	for _, ws := range all {
		_ = ws.Close()
	}
	t.Logf("%d accepted, %d answered by a status", accepted, answered)
}

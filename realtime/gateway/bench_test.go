package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// BenchmarkConnect is a handshake with a token, a welcome, a subscription and
// the end, over loopback. The client is as cheap as it can be, but counts.
func BenchmarkConnect(b *testing.B) {
	doc := tenant("acme")
	const no = 1 << 30
	doc.Limits = realtime.Limits{Connections: no, ConnectionsPerUser: no, ConnectsPerSecond: no, UserShare: 1, TenantShare: 1, SubscribesPerSecond: no, FramesPerSecond: no, BytesPerSecond: no}
	tenants, err := memory.NewTenants(doc)
	if err != nil {
		b.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants, Registry: memory.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }() // until Close
	signer, err := auth.NewSigner(doc)
	if err != nil {
		b.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "ann", Grants: everything(), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		b.Fatal(err)
	}
	request := "GET /v1/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tidewire.v1.json, bearer." + token + "\r\n\r\n"
	subscribe := `{"type":"subscribe","id":1,"channel":"prices:fx"}`
	frame := append([]byte{0x81, 0x80 | byte(len(subscribe)), 0, 0, 0, 0}, subscribe...) // masked with zeros

	connect := func() net.Conn {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		r := bufio.NewReader(c)
		if _, err := c.Write([]byte(request)); err != nil {
			b.Fatal(err)
		}
		await(b, r, `"type":"welcome"`)
		if _, err := c.Write(frame); err != nil {
			b.Fatal(err)
		}
		await(b, r, `"type":"ok"`)
		return c
	}
	keeper := connect() // so that the topic is followed throughout
	b.ReportAllocs()
	for b.Loop() {
		c := connect()
		_ = c.(*net.TCPConn).SetLinger(0) // loopback ports run out else
		_ = c.Close()
	}
	b.StopTimer()
	_ = keeper.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.Close(ctx); err != nil {
		b.Error(err)
	}
	_ = server.Close()
	<-served
	if err := broker.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

// await reads until what it is given has come.
func await(b *testing.B, r *bufio.Reader, text string) {
	b.Helper()
	var seen bytes.Buffer
	for !strings.Contains(seen.String(), text) {
		if _, err := r.Peek(1); err != nil {
			b.Fatal(err)
		}
		p, _ := r.Peek(r.Buffered())
		seen.Write(p)
		_, _ = r.Discard(len(p))
	}
}

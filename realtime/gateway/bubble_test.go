package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// bubbleGateway is a gateway on connections in memory, within a bubble of synctest, so that its time is virtual.
type bubbleGateway struct {
	t     *testing.T
	conns chan net.Conn // to be accepted
	done  chan struct{}

	clients []*bubbleClient // all that came; they are stopped at the end
}

// inBubble runs a test with a gateway.
func inBubble(t *testing.T, o gateway.Options, test func(*bubbleGateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { within(t, o, test) })
}

// within is inBubble of who is in one already.
func within(t *testing.T, o gateway.Options, test func(*bubbleGateway)) {
	t.Helper()
	broker := memory.NewBroker(memory.BrokerOptions{})
	if o.Broker == nil {
		o.Broker = broker
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bubbleGateway{t: t, conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: g} //nolint:gosec // it listens to the test alone
	served := make(chan error)
	go func() { served <- server.Serve(b) }()
	defer func() {
		for _, v := range b.clients {
			v.stop()
		}
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
		_ = server.Close()
		<-served
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	test(b)
}

func (b *bubbleGateway) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

func (b *bubbleGateway) Close() error {
	close(b.done)
	return nil
}

func (b *bubbleGateway) Addr() net.Addr { return &net.TCPAddr{} }

func (b *bubbleGateway) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	b.conns <- far
	return near, nil
}

// bubbleClient is a client in a bubble, which takes whatever comes.
type bubbleClient struct {
	ws   *websocket.Conn // nil: it reads events
	stop func()

	mu     sync.Mutex // guards what follows
	frames []wire.ServerFrame
	over   bool
}

// socket opens a socket with protocols offered, and sends frames.
func (b *bubbleGateway) socket(header http.Header, query string, frames ...string) *bubbleClient {
	b.t.Helper()
	dialer := &websocket.Dialer{NetDialContext: b.dial}
	ws, resp, err := dialer.DialContext(b.t.Context(), "ws://gateway/v1/socket"+query, header)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	v := &bubbleClient{ws: ws, stop: func() { _ = ws.Close() }}
	b.clients = append(b.clients, v)
	go func() {
		defer v.ended()
		for {
			_, text, err := ws.ReadMessage()
			if err != nil {
				return
			}
			v.took(text)
		}
	}()
	v.send(frames...)
	return v
}

// events opens a stream of events.
func (b *bubbleGateway) events(header http.Header, query string) *bubbleClient {
	b.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: b.dial, DisableKeepAlives: true}}
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/v1/events"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = header
	v := &bubbleClient{stop: cancel}
	b.clients = append(b.clients, v)
	go func() {
		defer v.ended()
		resp, err := client.Do(r)
		if err != nil {
			return
		}
		defer func() { _ = resp.Body.Close() }()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if text, found := strings.CutPrefix(lines.Text(), "data: "); found {
				v.took([]byte(text))
			}
		}
	}()
	return v
}

func (v *bubbleClient) send(frames ...string) {
	for _, f := range frames {
		_ = v.ws.WriteMessage(websocket.TextMessage, []byte(f)) // it may have been closed
	}
}

func (v *bubbleClient) took(text []byte) {
	var f wire.ServerFrame
	if json.Unmarshal(text, &f) != nil || f.Type == wire.TypeHeartbeat {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.frames = append(v.frames, f)
}

func (v *bubbleClient) ended() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
}

// state says whether the bubbleClient is still connected, whether it was welcomed, and the code of the last error.
func (v *bubbleClient) state() (open, welcomed bool, code realtime.Code) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range v.frames {
		welcomed = welcomed || f.Type == wire.TypeWelcome
		if f.Code != "" {
			code = f.Code
		}
	}
	return !v.over, welcomed, code
}

func (v *bubbleClient) connected() bool {
	open, _, _ := v.state()
	return open
}

// last returns the newest frame.
func (v *bubbleClient) last() (f wire.ServerFrame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.frames); n > 0 {
		f = v.frames[n-1]
	}
	return f
}

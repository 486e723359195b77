package tidewire

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deployment is a gateway on connections in memory, in a bubble of synctest, so that its time is virtual.
type deployment struct {
	t      *testing.T
	conns  chan net.Conn // to be accepted
	done   chan struct{}
	tenant *realtime.Tenant

	mu   sync.Mutex // guards what follows
	open map[net.Conn]bool
	down bool // nobody is let in
	gw   *gateway.Gateway
}

// bubble runs a test with a deployment.
func bubble(t *testing.T, o gateway.Options, test func(*testing.T, *deployment)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { within(t, o, test) })
}

// within is bubble of who is in one already.
func within(t *testing.T, o gateway.Options, test func(*testing.T, *deployment)) {
	t.Helper()
	{
		durable := false
		d := &deployment{t: t, conns: make(chan net.Conn), done: make(chan struct{}), open: map[net.Conn]bool{}}
		d.tenant = &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "acme-0123456789abcdef0123456789abcdef"}}}}
		d.tenant.Namespaces = map[string]realtime.Namespace{
			"fleet": {State: &realtime.State{Durable: &durable}}, "news": {Window: 150, WindowFor: realtime.Duration(10 * time.Minute)},
		}
		tenants, err := memory.NewTenants(d.tenant)
		if err != nil {
			t.Fatal(err)
		}
		broker := memory.NewBroker(memory.BrokerOptions{})
		if o.Broker == nil {
			o.Broker = broker
		}
		o.Tenants = tenants
		if d.gw, err = gateway.New(o); err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: d.gw} //nolint:gosec // it listens to the test alone
		served := make(chan error)
		go func() { served <- server.Serve(d) }()
		defer func() {
			if err := d.gw.Close(t.Context()); err != nil {
				t.Error(err)
			}
			_ = server.Close()
			<-served
			if err := o.Broker.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		test(t, d)
	}
}

func (d *deployment) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.done:
		return nil, net.ErrClosed
	}
}

func (d *deployment) Close() error {
	close(d.done)
	return nil
}

func (d *deployment) Addr() net.Addr { return &net.TCPAddr{} }

// dial is Options.dial.
func (d *deployment) dial(ctx context.Context, url string, header http.Header) (link.Conn, error) {
	dialer := &websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		d.mu.Lock()
		down := d.down
		d.mu.Unlock()
		if down {
			return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
		}
		near, far := net.Pipe()
		select {
		case d.conns <- far:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		d.mu.Lock()
		d.open[near] = true
		d.mu.Unlock()
		return near, nil
	}}
	ws, resp, err := dialer.DialContext(ctx, url, header)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	return &piped{ws}, nil
}

// piped is a conn of gorilla's on a pipe.
type piped struct{ ws *websocket.Conn }

func (p *piped) Read(within time.Duration) ([]byte, error) {
	_ = p.ws.SetReadDeadline(time.Now().Add(within))
	_, message, err := p.ws.ReadMessage()
	return message, closeError(err)
}

func (p *piped) Write(message []byte) error {
	_ = p.ws.SetWriteDeadline(time.Now().Add(20 * time.Second))
	return p.ws.WriteMessage(websocket.TextMessage, message)
}

func (p *piped) Close() error {
	_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	return p.ws.Close()
}

// cut cuts every connection that there is.
func (d *deployment) cut() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.open {
		_ = c.Close()
		n++
	}
	clear(d.open)
	return n
}

func (d *deployment) setDown(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

// token returns a function that signs a token that lasts for so long.
func (d *deployment) token(user string, life time.Duration) func(context.Context) (string, error) {
	signer, err := auth.NewSigner(d.tenant)
	if err != nil {
		d.t.Fatal(err)
	}
	all := []realtime.Pattern{"**"}
	return func(context.Context) (string, error) {
		return signer.Sign(auth.Claims{User: user, Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all}, Expires: time.Now().Add(life)})
	}
}

// client connects one. It is closed with the test.
func (d *deployment) client(user string, change ...func(*Options)) *Client {
	d.t.Helper()
	o := Options{URL: "http://gateway", Token: d.token(user, time.Hour), dial: d.dial}
	for _, f := range change {
		f(&o)
	}
	c, err := Connect(d.t.Context(), o)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// next returns the next update of a Subscription.
func next(t *testing.T, s *Subscription) Update {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	u, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("%s: %v", s.Channel(), err)
	}
	return u
}

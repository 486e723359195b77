package cloudruntest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// Hang makes what a service has opened hang and ignore its contexts: a broker whose streams are never let go and which never
// ends, a registry that never gives back a lease, and a store that does not answer for a tenant. What hangs ends with release.
func Hang(p *cloudrun.Parts, b *backend.Backend, tenant string) (release func()) {
	h := hang(make(chan struct{}))
	b.Broker = &hangingBroker{b.Broker, h}
	b.Registry = &hangingRegistry{b.Registry, h}
	b.Tenants = &hangingTenants{b.Tenants, h, tenant}
	p.Closing(b.Broker.Close)
	return sync.OnceFunc(func() { close(h) })
}

// hang is closed when it is over.
type hang chan struct{}

func (h hang) wait() error { <-h; return nil }

type hangingBroker struct {
	realtime.Broker
	hang
}

func (b *hangingBroker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := b.Broker.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	return &hangingStream{s, b.hang}, nil
}

func (b *hangingBroker) Close(context.Context) error { return b.wait() }

type hangingStream struct {
	realtime.Stream
	hang
}

func (s *hangingStream) Close(context.Context) error { return s.wait() }

type hangingRegistry struct {
	realtime.Registry
	hang
}

func (r *hangingRegistry) Release(context.Context, string) error { return r.wait() }

func (r *hangingRegistry) Disconnect(context.Context, []realtime.ConnectionRef) error {
	return r.wait()
}

func (r *hangingRegistry) Connections(ctx context.Context, tenant string, _ realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	return realtime.ConnectionPage{}, r.untilEnd(ctx)
}

type hangingTenants struct {
	realtime.TenantStore
	hang
	tenant string
}

func (t *hangingTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	if id == t.tenant {
		return nil, t.untilEnd(ctx)
	}
	return t.TenantStore.Tenant(ctx, id)
}

// untilEnd is what a request waits for: it ends with its context, as those of every driver do.
func (h hang) untilEnd(ctx context.Context) error {
	select {
	case <-h:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Assemble makes the handler of a service on a backend that hangs.
type Assemble func(ctx context.Context, p *cloudrun.Parts) (release func(), h http.Handler, err error)

// EndsInTime runs a service in a bubble of synctest, asks it for what waits for a store that hangs, and ends it. The
// request has to be answered by 503 with a time to come back, and the service to end within nine seconds.
func EndsInTime(t *testing.T, variables []string, ask func(context.Context) *http.Request, configure func(*environment.Reader) (*cloudrun.Config, Assemble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := environment.New(func(name string) (string, bool) {
			for _, v := range variables {
				if value, ok := strings.CutPrefix(v, name+"="); ok {
					return value, true
				}
			}
			return "", false
		})
		c, assemble := configure(e)
		l := NewListener()
		c.Listener = l
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		served := make(chan error, 1)
		var release func()
		go func() {
			served <- c.Serve(ctx, io.Discard, func(ctx context.Context, p *cloudrun.Parts) (h http.Handler, err error) {
				release, h, err = assemble(ctx, p)
				return h, err
			})
		}()
		answered := make(chan string, 1)
		go func() { answered <- l.get(ask(t.Context())) }()
		synctest.Wait()
		begun := time.Now()
		stop()
		err := <-served
		if took := time.Since(begun); err == nil || took > 9*time.Second {
			t.Errorf("it took %s and ended with %v", took, err)
		}
		if answer := <-answered; !strings.HasPrefix(answer, "503 ") {
			t.Errorf("the request was answered with %s", answer)
		}
		release()
	})
}

// get returns status and body of the answer, if it says when to come back.
func (l *Listener) get(r *http.Request) string {
	res, err := l.client().Do(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Header.Get("Retry-After") == "" {
		return fmt.Sprintf("%s without a time: %v %s", res.Status, err, body)
	}
	return res.Status + " " + string(body)
}

// Listener takes connections in memory, which a bubble of synctest needs. It is a cloudrun.Config's Listener.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
}

// NewListener returns a Listener.
func NewListener() *Listener { return &Listener{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept waits for a Dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial.
func (l *Listener) Close() error { l.close.Do(func() { close(l.done) }); return nil }

// Addr is nobody's.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{} }

// Dial is a net.Dialer's DialContext.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// client returns one that has a connection of its own for each request.
func (l *Listener) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
}

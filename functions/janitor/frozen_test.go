package janitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// frozenInstance is a gateway on a platform that takes its CPU away the moment its last request has ended: from then on
// nothing that it writes arrives.
type frozenInstance struct {
	t       *testing.T
	p       *project
	name    string
	takes   atomic.Int64 // each operation of a store, a time.Duration
	frozen  atomic.Bool
	ending  atomic.Bool // SIGTERM has come: the CPU stays until the end
	gateway *gateway.Gateway
	token   string
	hooked  atomic.Int64 // disconnect hooks that were run

	conns chan net.Conn
	done  chan struct{}

	mu   sync.Mutex // guards open
	open int        // connections to the gateway
}

// do makes an operation of a store.
func (i *frozenInstance) do(ctx context.Context, op string, f func()) error {
	select {
	case <-time.After(time.Duration(i.takes.Load())):
	case <-ctx.Done():
		return ctx.Err()
	}
	return i.p.do(ctx, op, i.name, func() error {
		if i.frozen.Load() {
			return errStore
		}
		f()
		return nil
	})
}

func (i *frozenInstance) Renew(ctx context.Context, lease realtime.Lease) error {
	return i.do(ctx, "Renew", func() { i.p.leases[lease.Instance] = lease })
}

func (i *frozenInstance) Release(ctx context.Context, instance string) error {
	return i.do(ctx, "Release", func() {
		if lease, ok := i.p.leases[instance]; ok {
			lease.Sockets, lease.Until = 0, time.Now()
			i.p.leases[instance] = lease
		}
	})
}

func (i *frozenInstance) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	return i.do(ctx, "Connect", func() {
		for _, d := range docs {
			i.p.docs[realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}] = d
		}
	})
}

func (i *frozenInstance) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	return i.do(ctx, "Remove", func() {
		for _, ref := range refs {
			delete(i.p.docs, ref)
		}
	})
}

func (i *frozenInstance) Connections(context.Context, string, realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	return realtime.ConnectionPage{}, nil
}

// subscribed is a broker whose streams have subscriptions in the project.
type subscribed struct {
	realtime.Broker
	i *frozenInstance
}

func (b subscribed) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := b.Broker.Follow(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	name := string(topic) + "-" + f.Instance
	err = b.i.do(ctx, "Follow", func() {
		b.i.p.subs[name] = realtime.Subscription{Name: name, Topic: topic, Instance: f.Instance, Created: time.Now()}
	})
	return subscription{s, b.i, name}, err
}

type subscription struct {
	realtime.Stream
	i    *frozenInstance
	name string
}

func (s subscription) Close(ctx context.Context) error {
	return errors.Join(s.Stream.Close(ctx), s.i.do(ctx, "Unfollow", func() { delete(s.i.p.subs, s.name) }))
}

// goodbyes counts disconnect hooks.
type goodbyes struct{ i *frozenInstance }

func (goodbyes) Connect(context.Context, *gateway.ConnectEvent) (gateway.ConnectResult, error) {
	return gateway.ConnectResult{}, nil
}

func (goodbyes) Subscribe(context.Context, *gateway.Client, realtime.Channel) error { return nil }

func (goodbyes) Publish(context.Context, *gateway.Client, *realtime.Publication) error { return nil }

func (goodbyes) Call(context.Context, *gateway.Client, string, json.RawMessage) (any, error) {
	return nil, nil
}

func (g goodbyes) Disconnect(context.Context, *gateway.Client, realtime.Code) {
	if !g.i.frozen.Load() {
		g.i.hooked.Add(1)
	}
}

// requestConn is one request; the last one's end is the end of the CPU.
type requestConn struct {
	net.Conn
	i    *frozenInstance
	once sync.Once
}

func (c *requestConn) Close() error {
	c.once.Do(func() {
		c.i.mu.Lock()
		defer c.i.mu.Unlock()
		if c.i.open--; c.i.open == 0 && !c.i.ending.Load() {
			c.i.frozen.Store(true)
		}
	})
	return c.Conn.Close()
}

func (i *frozenInstance) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.done:
		return nil, net.ErrClosed
	}
}

func (i *frozenInstance) Close() error   { close(i.done); return nil }
func (i *frozenInstance) Addr() net.Addr { return &net.TCPAddr{} }

func (i *frozenInstance) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	i.mu.Lock()
	i.open++
	i.frozen.Store(false) // a request brings the CPU
	i.mu.Unlock()
	i.conns <- &requestConn{Conn: far, i: i}
	return near, nil
}

// socket opens one, and returns what ends it politely and what just ends it.
func (i *frozenInstance) socket() (leave, vanish func()) {
	i.t.Helper()
	dialer := &websocket.Dialer{NetDialContext: i.dial}
	ws, resp, err := dialer.DialContext(i.t.Context(), "ws://gateway/v1/socket", http.Header{"Authorization": {"Bearer " + i.token}})
	if err != nil {
		i.t.Fatal(err)
	}
	_ = resp.Body.Close()
	go func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	return func() {
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	}, func() { _ = ws.Close() }
}

// events opens a stream of events, and returns what ends it.
func (i *frozenInstance) events() (leave func()) {
	i.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: i.dial, DisableKeepAlives: true}}
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/v1/events?channel=prices", nil)
	if err != nil {
		i.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+i.token)
	resp, err := client.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		i.t.Fatal(resp, err)
	}
	go func() {
		buf := make([]byte, 1<<10)
		for {
			if _, err := resp.Body.Read(buf); err != nil {
				_ = resp.Body.Close()
				return
			}
		}
	}()
	return cancel
}

// onPlatform runs a test with a gateway on such a platform.
func onPlatform(t *testing.T, takes time.Duration, test func(i *frozenInstance)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat("acme", 16)}}}}
		tenants, err := memory.NewTenants(acme)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := auth.NewSigner(acme)
		if err != nil {
			t.Fatal(err)
		}
		i := &frozenInstance{t: t, p: newProject(), name: "i1", conns: make(chan net.Conn), done: make(chan struct{})}
		i.takes.Store(int64(takes))
		i.token, err = signer.Sign(auth.Claims{User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}, Expires: time.Now().Add(12 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		inner := memory.NewBroker(memory.BrokerOptions{})
		i.gateway, err = gateway.New(gateway.Options{Broker: subscribed{inner, i}, Registry: i, Tenants: tenants, Instance: i.name, Hooks: goodbyes{i: i}})
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: i.gateway} //nolint:gosec // it listens to the test alone
		served := make(chan error)
		go func() { served <- server.Serve(i) }()
		test(i)
		i.ending.Store(true)
		i.frozen.Store(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := i.gateway.Close(ctx); err != nil {
			t.Error(err)
		}
		_ = server.Close()
		<-served
		if err := inner.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// swept lets time pass and the janitor run, and wants nothing to be left.
func (i *frozenInstance) swept() {
	i.t.Helper()
	for range 3 {
		time.Sleep(6 * time.Minute)
		if r := run(i.t, i.p.options()); r.Errors != 0 {
			i.t.Errorf("%+v", r)
		}
	}
	if got := i.p.left(i.name); got != nothing {
		i.t.Errorf("%v is left", got)
	}
}

// TestFrozenAfterTheLastRequest: however the last clients go, and however slow the stores are, all is let go while the instance
// has its CPU: nothing is left to the janitor but a lease that says so, hooks have run, and nobody is announced as lost.
func TestFrozenAfterTheLastRequest(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 700 * time.Millisecond} {
		for name, test := range map[string]func(i *frozenInstance) (clients int){
			"a socket says goodbye": func(i *frozenInstance) int {
				leave, _ := i.socket()
				time.Sleep(10 * time.Second)
				leave()
				return 1
			},
			"a socket vanishes": func(i *frozenInstance) int {
				_, vanish := i.socket()
				time.Sleep(10 * time.Second)
				vanish()
				return 1
			},
			"a stream of events ends": func(i *frozenInstance) int {
				leave := i.events()
				time.Sleep(10 * time.Second)
				leave()
				return 1
			},
			"all at one time": func(i *frozenInstance) int {
				var all []func()
				for range 5 {
					leave, _ := i.socket()
					_, vanish := i.socket()
					all = append(all, leave, vanish, i.events())
				}
				time.Sleep(10 * time.Second)
				for _, leave := range all {
					go leave()
				}
				return len(all)
			},
			"one after the other": func(i *frozenInstance) int {
				first, _ := i.socket()
				second := i.events()
				time.Sleep(10 * time.Second)
				first()
				time.Sleep(10 * time.Millisecond)
				second()
				return 2
			},
			"at once": func(i *frozenInstance) int {
				leave, _ := i.socket()
				leave()
				return 1
			},
			"again and again": func(i *frozenInstance) int {
				for range 3 {
					leave, _ := i.socket()
					time.Sleep(time.Second)
					leave()
					time.Sleep(50 * time.Millisecond) // while the one before is being let go
				}
				return 3
			},
		} {
			t.Run(name+", "+takes.String(), func(t *testing.T) {
				t.Parallel()
				onPlatform(t, takes, func(i *frozenInstance) {
					clients := test(i)
					time.Sleep(time.Minute)
					if !i.frozen.Load() {
						t.Fatal("a request has not ended")
					}
					i.p.mu.Lock()
					lease, subs, docs := i.p.leases[i.name], len(i.p.subs), len(i.p.docs)
					i.p.mu.Unlock()
					if subs != 0 || docs != 0 || lease.Sockets != 0 || lease.Until.After(time.Now()) {
						t.Errorf("left: %d subscriptions, %d documents, lease %+v", subs, docs, lease)
					}
					if n := i.hooked.Load(); n != int64(clients) {
						t.Errorf("%d disconnect hooks were run, want %d", n, clients)
					}
					i.swept()
					if len(i.p.lost) != 0 {
						t.Errorf("announced as lost: %v", i.p.lost)
					}
				})
			})
		}
	}
}

// TestKilledWithSockets: those are announced, each once.
func TestKilledWithSockets(t *testing.T) {
	t.Parallel()
	onPlatform(t, time.Millisecond, func(i *frozenInstance) {
		i.socket()
		i.socket()
		leave, _ := i.socket()
		time.Sleep(20 * time.Second)
		leave()
		time.Sleep(time.Second)
		i.frozen.Store(true) // it has died, and nothing of it was told to go
		i.swept()
		if len(i.p.lost) != 2 {
			t.Errorf("announced as lost: %v, want two", i.p.lost)
		}
		for c, n := range i.p.lost {
			if n != 1 {
				t.Errorf("%s was announced %d times", c, n)
			}
		}
	})
}

// TestHeldForAWhile: stores that do not answer hold the last request for some seconds and no longer.
func TestHeldForAWhile(t *testing.T) {
	t.Parallel()
	onPlatform(t, time.Millisecond, func(i *frozenInstance) {
		leave, _ := i.socket()
		time.Sleep(10 * time.Second)
		i.takes.Store(int64(time.Hour))
		leave()
		time.Sleep(time.Second)
		if i.frozen.Load() {
			t.Error("the request has ended at once")
		}
		time.Sleep(5 * time.Second)
		if !i.frozen.Load() {
			t.Error("the request goes on")
		}
		i.takes.Store(int64(time.Millisecond))
		time.Sleep(time.Minute) // for what was begun
	})
}

package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// counted is a whole backend that counts what it is asked.
type counted struct {
	realtime.Broker
	realtime.Registry
	realtime.Tenants
	calls *atomic.Int64
}

func (c counted) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	c.calls.Add(1)
	c.Broker.Publish(ctx, topic, m, done)
}

func (c counted) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	c.calls.Add(1)
	return c.Broker.Follow(ctx, topic, f)
}

func (c counted) Renew(ctx context.Context, lease realtime.Lease) error {
	c.calls.Add(1)
	return c.Registry.Renew(ctx, lease)
}

func (c counted) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	c.calls.Add(1)
	return c.Registry.Connect(ctx, docs)
}

func (c counted) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	c.calls.Add(1)
	return c.Registry.Disconnect(ctx, refs)
}

func (c counted) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	c.calls.Add(1)
	return c.Tenants.Tenant(ctx, id)
}

// Without a socket an instance has no CPU: nothing is asked of the backend, and nothing but the one
// goroutine that waits for connections to register is left.
func TestIdleGatewayDoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		acme := tenant("acme")
		tenants, err := memory.NewTenants(acme)
		if err != nil {
			t.Fatal(err)
		}
		broker := memory.NewBroker(memory.BrokerOptions{})
		b := counted{broker, memory.NewRegistry(), tenants, new(atomic.Int64)}
		g, err := gateway.New(gateway.Options{Broker: b, Registry: b, Tenants: b, Lifetime: 58 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := g.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if err := broker.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		idle := func(when string) {
			t.Helper()
			synctest.Wait()
			before := b.calls.Load()
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := b.calls.Load() - before; n != 0 {
				t.Errorf("%s, the backend was asked %d times in an hour", when, n)
			}
			for _, stack := range bubble() {
				if !strings.Contains(stack, "synctest.") && !strings.Contains(stack, "TestIdleGateway") && !strings.Contains(stack, "registration.New") {
					t.Errorf("%s, this runs:\n%s", when, stack)
				}
			}
		}
		idle("at the start")

		signer, err := auth.NewSigner(acme)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(auth.Claims{User: "ann", Grants: everything(), Expires: time.Now().Add(3 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events?channel=prices:fx", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		gone := make(chan struct{})
		before := b.calls.Load()
		go func() {
			defer close(gone)
			g.ServeHTTP(httptest.NewRecorder(), r)
		}()
		time.Sleep(10 * time.Minute)
		if n := b.calls.Load() - before; n < 600 {
			t.Errorf("with a stream open the backend was asked %d times in ten minutes", n)
		}
		leave()
		<-gone
		idle("when the last has left")
	})
}

// bubble returns the stacks of the goroutines in the caller's bubble.
func bubble() (own []string) {
	text := make([]byte, 4<<20)
	all := strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n")
	_, name, _ := strings.Cut(all[0], "synctest bubble ") // the caller's comes first
	name, _, _ = strings.Cut(name, "]")
	for _, stack := range all {
		if strings.Contains(stack, "synctest bubble "+name+"]") {
			own = append(own, stack)
		}
	}
	return own
}

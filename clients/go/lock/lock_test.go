package lock_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/lock"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tenant() *realtime.Tenant {
	durable := false
	return &realtime.Tenant{
		ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "acme-0123456789abcdef0123456789abcdef"}}},
		Namespaces: map[string]realtime.Namespace{"lock": {State: &realtime.State{Durable: &durable}}},
	}
}

// gateways starts some on one broker and returns their URLs.
func gateways(t *testing.T, n int) (urls []string) {
	t.Helper()
	doc := tenant()
	broker := memory.NewBroker(memory.BrokerOptions{})
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for range n {
		tenants, err := memory.NewTenants(doc)
		if err != nil {
			t.Fatal(err)
		}
		g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(g)
		t.Cleanup(func() {
			if err := g.Close(context.Background()); err != nil {
				t.Error(err)
			}
			server.Close()
		})
		urls = append(urls, server.URL)
	}
	return urls
}

// connect connects a user to a gateway.
func connect(t *testing.T, url, user string) *tidewire.Client {
	t.Helper()
	signer, err := auth.NewSigner(tenant())
	if err != nil {
		t.Fatal(err)
	}
	all := []realtime.Pattern{"**"}
	token, err := signer.Sign(auth.Claims{User: user, Grants: realtime.Grants{Subscribe: all, Publish: all}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tidewire.Connect(t.Context(), tidewire.Options{URL: url, Token: tidewire.StaticToken(token)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Of those who want a lock on several gateways, one has it at a time, and what it writes with its position is never behind what was written before.
func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	urls := gateways(t, 3)
	var inside, entered atomic.Int64
	var newest int64 // written by who has the lock
	var running sync.WaitGroup
	for i := range 6 {
		c := connect(t, urls[i%len(urls)], fmt.Sprint("u", i))
		running.Go(func() {
			for range 3 {
				l, err := lock.Take(t.Context(), c, "lock:board", "7", lock.Options{Data: json.RawMessage(fmt.Sprint(i))})
				if err != nil {
					t.Error(err)
					return
				}
				at, err := realtime.ParsePosition(l.Position())
				if err != nil || inside.Add(1) != 1 || at.Time < newest || !l.Held() {
					t.Errorf("client %d has it at %s, while another one does, or behind %d: %v", i, l.Position(), newest, err)
				}
				newest = max(newest, at.Time)
				entered.Add(1)
				inside.Add(-1)
				if err := l.Release(t.Context()); err != nil || l.Held() {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if entered.Load() != 18 {
		t.Errorf("%d have had it", entered.Load())
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	urls := gateways(t, 2)
	ann, bob := connect(t, urls[0], "ann"), connect(t, urls[1], "bob")
	l, err := lock.Try(t.Context(), ann, "lock:board", "7", lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Try(t.Context(), bob, "lock:board", "7", lock.Options{}); !errors.Is(err, lock.ErrTaken) {
		t.Errorf("bob is told %v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.Release(t.Context()); !errors.Is(err, lock.ErrReleased) || !errors.Is(context.Cause(l.Context()), lock.ErrReleased) {
		t.Errorf("released twice: %v", err)
	}
	again, err := lock.Try(t.Context(), bob, "lock:board", "7", lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bob.Close()
	<-again.Context().Done()
	if err := again.Release(t.Context()); !errors.Is(err, lock.ErrLost) || again.Held() {
		t.Errorf("a lock of a client that is closed: %v", err)
	}
	for name, o := range map[string]lock.Options{"": {}, "short": {TTL: time.Second}, "long": {TTL: time.Hour}} {
		if _, err := lock.Try(t.Context(), ann, "lock:board", name, o); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := lock.Take(t.Context(), ann, "lock:board", name, o); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("%q: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	held, err := lock.Try(t.Context(), ann, "lock:board", "8", lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Take(ctx, ann, "lock:board", "8", lock.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who gives up waiting is told %v", err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// Authorize is a gateway that decides for itself who may read what: a token
// says who somebody is, and this program's own table at which desks they sit.
//
//	go run ./examples/authorize
//	tidewire tail --url http://127.0.0.1:8081 --token <the one it prints> desk:fx
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

var desks = map[string][]string{"ann": {"fx"}, "bob": {"fx", "rates"}}

// connect lets in who has a desk, and grants the channels of their desks.
func connect(_ context.Context, e *gateway.ConnectEvent) (gateway.ConnectResult, error) {
	groups, known := desks[e.Principal.User]
	if !known {
		return gateway.ConnectResult{}, realtime.Errorf(realtime.CodeForbidden, "%s has no desk", e.Principal.User)
	}
	grants := realtime.Grants{Subscribe: []realtime.Pattern{"desk:{group}"}}
	return gateway.ConnectResult{Groups: groups, Grants: grants}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8081")
	if err == nil {
		err = run(ctx, l, func(token func(user string) string) {
			fmt.Printf("http://%s, and ann's token is %s\n", l.Addr(), token("ann"))
		})
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends. It tells ready how to make a token, as an identity
// provider would: it says who somebody is, and nothing about channels.
func run(ctx context.Context, l net.Listener, ready func(token func(user string) string)) error {
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: rand.Text() + rand.Text()}}}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		return err
	}
	signer, err := auth.NewSigner(acme)
	if err != nil {
		return err
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants, Hooks: gateway.HookFuncs{OnConnect: connect}})
	if err != nil {
		return errors.Join(err, broker.Close())
	}
	ready(func(user string) string {
		token, _ := signer.Sign(auth.Claims{User: user, Expires: time.Now().Add(time.Hour)})
		return token
	})
	return errors.Join(g.Serve(ctx, l, nil), broker.Close())
}

// Calls is a gateway whose clients ask and are answered over their socket: a
// page places an order, gets its number, and everybody who follows the book sees it.
//
//	go run ./examples/calls
//	tidewire tail --url http://127.0.0.1:8082 --token <the one it prints> orders:book
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// desk takes orders of a tenant and publishes them.
type desk struct {
	tenant    *realtime.Tenant
	publisher *realtime.Publisher
	last      atomic.Int64
}

type order struct {
	Number int64  `json:"number"`
	By     string `json:"by"`
	Symbol string `json:"symbol"`
	Amount int    `json:"amount"`
}

// call answers orders.place.
func (d *desk) call(ctx context.Context, c *gateway.Client, route string, data json.RawMessage) (any, error) {
	if route != "orders.place" {
		return nil, realtime.Errorf(realtime.CodeNotFound, "route: there is no %q", route)
	}
	var o order
	if err := json.Unmarshal(data, &o); err != nil || o.Amount <= 0 {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: an order has a symbol and an amount above 0")
	}
	o.Number, o.By = d.last.Add(1), c.Principal.User
	book, err := realtime.NewChannel(d.tenant.ID, "orders:book")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return o, d.publisher.Publish(ctx, d.tenant, []realtime.Publication{{Channel: book, Data: text}})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:8082")
	if err == nil {
		err = run(ctx, l, func(token string) { fmt.Printf("http://%s, and ann's token is %s\n", l.Addr(), token) })
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, and tells ready a token of ann's.
func run(ctx context.Context, l net.Listener, ready func(token string)) error {
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: rand.Text() + rand.Text()}}}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		return err
	}
	signer, err := auth.NewSigner(acme)
	if err != nil {
		return err
	}
	token, err := signer.Sign(auth.Claims{
		User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"orders:*"}}, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		return err
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	d := &desk{tenant: acme, publisher: realtime.NewPublisher(broker, realtime.PublisherOptions{})}
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: tenants, Publisher: d.publisher, Hooks: gateway.HookFuncs{OnCall: d.call}})
	if err != nil {
		return errors.Join(err, broker.Close())
	}
	ready(token)
	return errors.Join(g.Serve(ctx, l, nil), broker.Close())
}

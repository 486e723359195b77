// Calls is a gateway whose clients ask and are answered over their socket: a
// page places an order, gets its number, and everybody who follows the book sees it.
//
//	go run ./examples/calls
//	export TIDEWIRE_URL=http://127.0.0.1:8082
//	export TIDEWIRE_TOKEN="$(curl -sS "$TIDEWIRE_URL/token")"
//	tidewire call orders.place '{"symbol":"EURUSD","amount":5}'
//	tidewire tail orders:book
package main

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/publish"
)

type order struct {
	Number int64  `json:"number"`
	By     string `json:"by"`
	Symbol string `json:"symbol"`
	Amount int    `json:"amount"`
}

func build(p *local.Parts) (*gateway.Gateway, error) {
	book, err := realtime.NewChannel(p.Tenant.ID, "orders:book")
	if err != nil {
		return nil, err
	}
	publisher := publish.New(p.Broker, publish.Options{})
	var last atomic.Int64
	place := func(ctx context.Context, c *gateway.Client, route string, data json.RawMessage) (any, error) {
		if route != "orders.place" {
			return nil, realtime.Errorf(realtime.CodeNotFound, "route: there is no %q", route)
		}
		var o order
		if err := json.Unmarshal(data, &o); err != nil || o.Symbol == "" || o.Amount <= 0 {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "data: an order has a symbol and an amount above 0")
		}
		o.Number, o.By = last.Add(1), c.Principal.User
		data, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		return o, publisher.Publish(ctx, p.Tenant, []realtime.Publication{{Channel: book, Data: data}})
	}
	return gateway.New(gateway.Options{Broker: p.Broker, Tenants: p.Tenants, Publisher: publisher, Hooks: gateway.HookFuncs{OnCall: place}})
}

func main() {
	local.Run("127.0.0.1:8082", "ann", realtime.Grants{Subscribe: []realtime.Pattern{"orders:*"}}, build)
}

// Authorize is a gateway that decides for itself who may read what: a token
// says who somebody is, and this program's own table at which desks they sit.
//
//	go run ./examples/authorize
//	export TIDEWIRE_URL=http://127.0.0.1:8081
//	export TIDEWIRE_TOKEN="$(curl -sS "$TIDEWIRE_URL/token?user=ann")"
//	tidewire tail desk:rates    # refused: ann has the desk fx
//	tidewire tail desk:fx
package main

import (
	"context"

	"github.com/tidewire/tidewire/examples/local"
	"github.com/tidewire/tidewire/realtime"
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

func build(p *local.Parts) (*gateway.Gateway, error) {
	return gateway.New(gateway.Options{Broker: p.Broker, Tenants: p.Tenants, Hooks: gateway.HookFuncs{OnConnect: connect}})
}

func main() { local.Run("127.0.0.1:8081", "ann", realtime.Grants{}, build) }

// Smallest is all of a gateway: tenants from a file, everything else in memory.
//
//	go run ./examples/smallest
//	export TIDEWIRE_URL=http://127.0.0.1:8084
//	export TIDEWIRE_TOKEN="$(tidewire token --tenants examples/smallest/tenants.json --tenant acme --user ann --subscribe 'news:*' --publish 'news:*')"
//	tidewire tail news:today
//	tidewire publish --socket --channel news:today hello
package main

import (
	"context"
	"log"

	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func build(tenantsFile string) (*gateway.Gateway, error) {
	tenants, err := memory.LoadTenantsFile(tenantsFile)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Options{Broker: memory.NewBroker(memory.BrokerOptions{}), Tenants: tenants})
}

func main() {
	g, err := build("examples/smallest/tenants.json")
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://127.0.0.1:8084")
	log.Fatal(g.ListenAndServe(context.Background(), "127.0.0.1:8084", nil))
}

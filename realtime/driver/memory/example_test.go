package memory_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func ExampleNewBroker() {
	ctx := context.Background()
	broker := memory.NewBroker(memory.BrokerOptions{})
	defer broker.Close(context.Background())

	stream, err := broker.Follow(ctx, "acme", realtime.Following{Instance: "gateway-1", Generation: 1, Since: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close(ctx)

	prices, _ := realtime.NewChannel("acme", "prices:fx")
	broker.Publish(ctx, "acme", &realtime.Message{
		Kind:        realtime.KindPublication,
		Publication: realtime.Publication{Channel: prices, ID: "1", Key: "EURUSD", Data: []byte(`1.0842`)},
	}, func(err error) { fmt.Println("stored:", err == nil) })

	batch, err := stream.Receive(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s %s\n", batch[0].Channel, batch[0].Key, batch[0].Data)
	// Output:
	// stored: true
	// acme/prices:fx EURUSD 1.0842
}

func ExampleNewRegistry() {
	ctx := context.Background()
	registry := memory.NewRegistry()
	soon := time.Now().Add(time.Minute)
	_ = registry.Renew(ctx, realtime.Lease{Instance: "gateway-1", Until: soon})
	_ = registry.Connect(ctx, []realtime.ConnectionDoc{
		{Tenant: "acme", ID: "c1", User: "u1", Instance: "gateway-1", Expires: soon},
		{Tenant: "acme", ID: "c2", User: "u2", Instance: "gateway-1", Expires: soon},
	})
	page, err := registry.Connections(ctx, "acme", realtime.ConnectionQuery{User: "u2"})
	fmt.Println(len(page.Connections), page.Connections[0].ID, err)
	// Output: 1 c2 <nil>
}

func ExampleLoadTenants() {
	_, err := memory.LoadTenants(strings.NewReader(`{"tenants": {
		"acme":   {"limits": {"conections": 1000}},
		"globex": {"placement": "elsewhere"}}}`))
	fmt.Println(err)
	// Output:
	// tenants.acme.limits.conections: unknown field
	// tenants.globex.placement: must be own or pooled, got "elsewhere"
}

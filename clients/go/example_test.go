package tidewire_test

import (
	"context"
	"encoding/json"
	"fmt"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
)

// A service reads a channel for as long as it runs, whatever becomes of its connections.
func ExampleClient_Subscribe() {
	serve := func(ctx context.Context) error {
		client, err := tidewire.Connect(ctx, tidewire.Options{URL: "http://127.0.0.1:8080", Token: tidewire.StaticToken("header.claims.signature")})
		if err != nil {
			return err
		}
		defer client.Close()
		prices, err := client.Subscribe("prices:fx", tidewire.SubscribeOptions{})
		if err != nil {
			return err
		}
		for update, err := range prices.Updates(ctx) {
			if err != nil {
				return err
			}
			switch update.Kind {
			case tidewire.KindMessage:
				fmt.Println(update.Message.Key, string(update.Message.Data))
			case tidewire.KindGap:
				fmt.Println("something was missed: load what you keep again")
			}
		}
		return nil
	}
	_ = serve // by the main of the service, with a context that ends with it
}

// A producer publishes over HTTP. An event that has an ID can be published again.
func ExampleEvent() {
	produce := func(ctx context.Context) error {
		ingest, err := api.NewIngest("acme", api.Options{URL: "http://127.0.0.1:8080", Token: tidewire.StaticToken("header.claims.signature")})
		if err != nil {
			return err
		}
		defer ingest.Close()
		_, err = ingest.Publish(ctx, []tidewire.Event{{Channel: "prices:fx", ID: "quote-17", Key: "EURUSD", Data: json.RawMessage(`{"bid":1.08412}`)}})
		return err
	}
	_ = produce // by the main of the producer
}

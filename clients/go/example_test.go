package tidewire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	tidewire "github.com/tidewire/tidewire/clients/go"
)

// A service reads a channel for as long as it runs, whatever becomes of its connections.
func ExampleClient_Subscribe() {
	ctx := context.Background()
	client, err := tidewire.Connect(ctx, tidewire.Options{URL: "http://127.0.0.1:8080", Token: tidewire.StaticToken("header.claims.signature")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	prices, err := client.Subscribe("prices:fx", tidewire.SubscribeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for update, err := range prices.Updates(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch update.Kind {
		case tidewire.KindMessage:
			fmt.Println(update.Message.Key, string(update.Message.Data))
		case tidewire.KindGap:
			fmt.Println("something was missed: load what you keep again")
		}
	}
}

// A producer publishes over HTTP. An event that has an ID can be published again.
func ExampleIngest() {
	ingest, err := tidewire.NewIngest("acme", tidewire.HTTPOptions{URL: "http://127.0.0.1:8080", Token: tidewire.StaticToken("header.claims.signature")})
	if err != nil {
		log.Fatal(err)
	}
	defer ingest.Close()
	events := []tidewire.Event{{Channel: "prices:fx", ID: "quote-17", Key: "EURUSD", Data: json.RawMessage(`{"bid":1.08412}`)}}
	if _, err := ingest.Publish(context.Background(), events); err != nil {
		log.Fatal(err)
	}
}

package tidewire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/realtime"
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

// A program that shows many channels at once reads a pattern: each update says its channel, and so does a gap.
func ExampleClient_Subscribe_pattern() {
	follow := func(ctx context.Context, client *tidewire.Client) error {
		prices, err := client.Subscribe("prices:*", tidewire.SubscribeOptions{MaxRate: 5})
		if err != nil {
			return err
		}
		defer prices.Close()
		for update, err := range prices.Updates(ctx) {
			if err != nil {
				return err
			}
			switch update.Kind {
			case tidewire.KindMessage:
				fmt.Println(update.Channel, update.Message.Key, string(update.Message.Data))
			case tidewire.KindGap:
				fmt.Println("something was missed of", update.Channel)
			}
		}
		return nil
	}
	_ = follow // with a Client of Connect
}

// A program that stops keeps where it stands, and goes on there when it is started again.
func ExampleSubscription_Bookmark() {
	follow := func(ctx context.Context, client *tidewire.Client, load func() tidewire.Bookmark, save func(tidewire.Bookmark)) error {
		at := load()
		orders, err := client.Subscribe("orders:new", tidewire.SubscribeOptions{Since: at.Position, AsOf: at.AsOf})
		if err != nil {
			return err
		}
		for update, err := range orders.Updates(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(update.Kind)
			save(orders.Bookmark()) // when the update has been handled
		}
		return nil
	}
	_ = follow // with a Client of Connect
}

// A map that is kept as the state of the channel is.
func ExampleClient_View() {
	show := func(ctx context.Context, client *tidewire.Client) error {
		fleet, err := client.View("fleet:eu", tidewire.ViewOptions{Filter: "tags.region == 'eu'"})
		if err != nil {
			return err
		}
		defer fleet.Close()
		for {
			keys, err := fleet.Changes(ctx)
			if err != nil {
				return err
			}
			for _, key := range keys {
				if m, ok := fleet.Get(key); ok {
					fmt.Println(key, string(m.Data))
				} else {
					fmt.Println(key, "is gone")
				}
			}
		}
	}
	_ = show // with a Client of Connect
}

// Publish returns when the event is stored. What the server refuses has a code.
func ExampleClient_Publish() {
	place := func(ctx context.Context, client *tidewire.Client) error {
		_, err := client.Publish(ctx, tidewire.Event{Channel: "board:7", Key: "cursor:ann", Data: json.RawMessage(`{"x":120,"y":48}`)})
		if realtime.CodeOf(err) == realtime.CodeForbidden {
			return fmt.Errorf("ask for a grant: %w", err)
		}
		return err
	}
	_ = place // with a Client of Connect
}

// Enqueue publishes many events in order without a round trip for each.
func ExampleClient_Enqueue() {
	send := func(ctx context.Context, client *tidewire.Client, events []tidewire.Event) error {
		var last *tidewire.Confirmation
		for _, event := range events {
			sent, err := client.Enqueue(ctx, event)
			if err != nil {
				return err
			}
			last = sent
		}
		if last == nil {
			return nil
		}
		_, err := last.Wait(ctx)
		return err
	}
	_ = send // with a Client of Connect
}

// A call is sent once: if the connection is lost before the answer, it may have been executed.
func ExampleClient_Call() {
	place := func(ctx context.Context, client *tidewire.Client) error {
		answer, err := client.Call(ctx, "orders.place", json.RawMessage(`{"symbol":"EURUSD","amount":1000}`))
		if errors.Is(err, tidewire.ErrLost) {
			return fmt.Errorf("look whether the order is there: %w", err)
		}
		fmt.Println(string(answer))
		return err
	}
	_ = place // with a Client of Connect
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

package realtime_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/wire"
)

func ExamplePattern_Match() {
	p := realtime.Pattern("desk:{group}:*")
	fmt.Println(p.Match("desk:fx:orders", "ann", []string{"fx", "ops"}))
	fmt.Println(p.Match("desk:hr:orders", "ann", []string{"fx", "ops"}))
	// Output:
	// true
	// false
}

func ExampleParsePosition() {
	p, err := realtime.ParsePosition("1764000000000-evt-17")
	fmt.Println(p.Time, p.ID, err)
	// Output: 1764000000000 evt-17 <nil>
}

func ExampleCode_Meaning() {
	m := realtime.CodeLimited.Meaning()
	fmt.Println(m.Status, m.Close, m.Advice)
	// Output: 429 4429 retry later
}

// printer is a Transport that prints what its client would read.
type printer struct {
	box  *realtime.Outbox
	read chan string
}

func (p *printer) Flush() {
	if !p.box.Begin() {
		return
	}
	for frames := p.box.Next(nil, 1<<16); len(frames) > 0; frames = p.box.Next(nil, 1<<16) {
		for range frames {
			p.read <- "a frame"
		}
	}
}
func (p *printer) Beat(time.Time) bool  { return true }
func (p *printer) Shut(*realtime.Error) {}

// A Hub between a Broker and a Transport. Package gateway does this with
// sockets, tokens and limits.
func ExampleHub() {
	ctx := context.Background()
	broker := memory.NewBroker(memory.BrokerOptions{})
	hub := realtime.NewHub(broker, realtime.HubOptions{Instance: "i1", Payload: wire.Compact})
	tenant := &realtime.Tenant{ID: "acme"}
	prices, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		panic(err)
	}

	reader := &printer{box: realtime.NewOutbox(wire.Encoder{}, nil), read: make(chan string, 8)}
	conn, err := hub.Connect(tenant, &realtime.Principal{
		Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:*"}},
	}, reader.box, reader)
	if err != nil {
		panic(err)
	}
	if err := hub.Subscribe(conn, realtime.SubscribeRequest{ID: "1", Channel: prices}); err != nil {
		panic(err)
	}
	fmt.Println("subscribed:", <-reader.read)

	publisher := realtime.NewPublisher(broker, realtime.PublisherOptions{})
	err = publisher.Publish(ctx, tenant, []realtime.Publication{{Channel: prices, Key: "EURUSD", Data: []byte(`{"bid":1.0842}`)}})
	fmt.Println("published:", <-reader.read, err)

	hub.Disconnect(conn)
	fmt.Println(hub.Close(ctx), broker.Close(context.Background()))
	// Output:
	// subscribed: a frame
	// published: a frame <nil>
	// <nil> <nil>
}

package hub_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// printer is a Transport that prints what its client would read.
type printer struct {
	box  *outbox.Outbox
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

func (p *printer) Beat(time.Time) bool { return true }

func (p *printer) Shut(*realtime.Error) {}

// A Hub between a Broker and a Transport. Package gateway does this with
// sockets, tokens and limits.
func ExampleHub() {
	ctx := context.Background()
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact})
	tenant := &realtime.Tenant{ID: "acme"}
	prices, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		panic(err)
	}

	reader := &printer{box: outbox.New(wire.Encoder{}, nil), read: make(chan string, 8)}
	conn, err := h.Connect(tenant, &realtime.Principal{
		Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"prices:*"}},
	}, reader.box, reader)
	if err != nil {
		panic(err)
	}
	if err := h.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: prices}); err != nil {
		panic(err)
	}
	fmt.Println("subscribed:", <-reader.read)

	publisher := publish.New(broker, publish.Options{})
	err = publisher.Publish(ctx, tenant, []realtime.Publication{{Channel: prices, Key: "EURUSD", Data: []byte(`{"bid":1.0842}`)}})
	fmt.Println("published:", <-reader.read, err)

	h.Disconnect(conn)
	fmt.Println(h.Close(ctx), broker.Close(context.Background()))
	// Output:
	// subscribed: a frame
	// published: a frame <nil>
	// <nil> <nil>
}

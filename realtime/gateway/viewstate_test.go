package gateway_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/wire"
)

// message takes a frame of the channel and returns what it says of the key.
func TestState(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	bob.send(`{"type":"subscribe","id":1,"channel":"fleet:eu"}`)
	bob.expect(`{"type":"ok"}`)
	publish := func(rest string) {
		t.Helper()
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu",` + rest + `}`)
		bob.take(2) // its ok, and the message: the gateway has it
	}
	publish(`"key":"v1","data":1`)
	publish(`"key":"v2","data":2`)
	publish(`"key":"v1","data":3`)
	publish(`"data":"an event"`)
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":1,"resumed":false,"gap":false}`)
	f := ann.expect(`{"type":"snapshot","more":false}`)
	if len(f.Entries) != 2 || f.Entries[0].Key != "v1" || string(f.Entries[0].Data) != "3" || f.Entries[1].Key != "v2" {
		t.Fatalf("snapshot %+v", f.Entries)
	}
	publish(`"key":"v3","data":4`)
	publish(`"key":"v2","delete":true`)
	publish(`"data":"another"`)
	ann.expect(`{"type":"message","key":"v3"}`, `{"type":"message","key":"v2","deleted":true}`)
	at := ann.expect(`{"type":"message","data":"another"}`).Position

	// What has changed while it was away, and no more.
	ann.send(`{"type":"unsubscribe","id":2,"channel":"fleet:eu"}`)
	ann.expect(`{"type":"ok","id":2}`)
	publish(`"key":"v3","delete":true`)
	publish(`"key":"v4","data":5`)
	publish(`"key":"v4","data":6`)
	ann.send(`{"type":"subscribe","id":3,"channel":"fleet:eu","state":true,"since":"` + at + `"}`)
	ann.expect(`{"type":"ok","id":3,"resumed":true,"gap":false}`, `{"type":"message","key":"v3","deleted":true}`)
	if f := ann.expect(`{"type":"message","key":"v4"}`); string(f.Data) != "6" {
		t.Errorf("resumed with %s", f.Data)
	}

	// A Position of which nothing is known.
	ann.send(`{"type":"unsubscribe","id":4,"channel":"fleet:eu"}`)
	ann.expect(`{"type":"ok","id":4}`)
	ann.send(`{"type":"subscribe","id":5,"channel":"fleet:eu","state":true,"since":"12-x"}`)
	ann.expect(`{"type":"ok","id":5,"resumed":false,"gap":false,"reset":true}`)
	if f := ann.expect(`{"type":"snapshot","more":false,"reset":true}`); len(f.Entries) != 2 {
		t.Errorf("reset with %+v", f.Entries)
	}
	publish(`"key":"v5","data":7,"ttl":"1s"`)
	ann.expect(`{"type":"message","key":"v5"}`, `{"type":"message","key":"v5","deleted":true,"expired":true}`)
}

// A namespace may say whose name the keys are, and how many there may be.
func TestKeysAreAssigned(t *testing.T) {
	t.Parallel()
	doc := stateful(func(n *realtime.Namespace) { n.State.Keys = 3 })
	durable := false
	doc.Namespaces["here"] = realtime.Namespace{State: &realtime.State{Durable: &durable, Assign: realtime.AssignConnection}}
	doc.Namespaces["seat"] = realtime.Namespace{State: &realtime.State{Durable: &durable, Assign: realtime.AssignUser}}
	s := startViews(t, doc)
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	ann.send(`{"type":"subscribe","id":1,"channel":"here:1","state":true}`, `{"type":"subscribe","id":2,"channel":"seat:1","state":true}`)
	ann.take(4)
	bob.send(`{"type":"publish","id":1,"channel":"seat:1","key":"ann","data":1}`)
	bob.expect(`{"type":"ok"}`)
	ann.expect(`{"type":"message","channel":"seat:1","key":"bob"}`)
	bob.send(`{"type":"publish","id":2,"channel":"here:1","data":1}`)
	bob.expect(`{"type":"ok"}`)
	key := ann.expect(`{"type":"message","channel":"here:1"}`).Key
	if err := bob.ws.Close(); err != nil {
		t.Fatal(err)
	}
	ann.expect(`{"type":"message","channel":"here:1","key":"` + key + `","deleted":true}`)

	ann.send(`{"type":"subscribe","id":3,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":3}`, `{"type":"snapshot"}`)
	for i := range 3 {
		ann.send(`{"type":"publish","id":4,"channel":"fleet:eu","key":"v` + itoa(i) + `","data":1}`)
		ann.take(2) // its ok, and the message
	}
	ann.send(`{"type":"publish","id":5,"channel":"fleet:eu","key":"v","data":1}`)
	ann.expect(`{"type":"error","id":5,"code":"limited","limit":"state.keys"}`)
	ann.send(`{"type":"publish","id":6,"channel":"fleet:eu","key":"v00","data":2}`)
	ann.take(2)
}

// A state that a store keeps is known to whoever follows the topic anew, whether the checkpoint is read before the stream begins or after.
func TestDurableStateOutlivesItsReaders(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	broker, states := memory.NewBroker(memory.BrokerOptions{}), memory.NewStates()
	s := start(t, gateway.Options{Broker: lateBroker{broker}, States: states, Filters: filters, Pace: hub.Pace{Linger: time.Nanosecond}}, doc)
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := keeper.New(keeper.Options{Broker: broker, Reader: broker, States: states, Tenants: s.tenants})
	bob := s.connect("acme", "bob")
	for i := range 3 {
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"v` + itoa(i) + `","data":1}`)
		bob.expect(`{"type":"ok"}`)
	}
	for i := range 5 { // each time nobody is left, and the topic is let go
		if _, err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = bob.ws.Close()
		for s.counts.of(realtime.CountDisconnects, realtime.ReasonClient) <= i {
			time.Sleep(time.Millisecond)
		}
		bob = s.connect("acme", "bob")
		bob.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
		bob.expect(`{"type":"ok","id":1}`)
		if f := bob.expect(`{"type":"snapshot","more":false}`); len(f.Entries) != 3 {
			t.Fatalf("%d entries", len(f.Entries))
		}
	}
}

// lateBroker takes its time to open a stream.
type lateBroker struct{ *memory.Broker }

func (b lateBroker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	time.Sleep(20 * time.Millisecond)
	return b.Broker.Follow(ctx, topic, f)
}

// What a paused reader has not been given, no heartbeat vouches for: who resumes with its asOf is told gap once it is gone.
func TestHeartbeatsVouchForNothingHeldBack(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{"prices": {Window: 3}}
	s := start(t, gateway.Options{Pace: hub.Pace{Heartbeat: 200 * time.Millisecond, Margin: time.Millisecond, Pulse: 100 * time.Millisecond, Skew: time.Millisecond}}, doc)
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
	ann.expect(`{"type":"ok","id":1}`)
	publish := func(i int) {
		bob.send(`{"type":"publish","id":1,"channel":"prices:fx","key":"k` + itoa(i) + `","data":1}`)
		bob.expect(`{"type":"ok"}`)
	}
	publish(0)
	at := ann.expect(`{"type":"message","key":"k00"}`).Position
	ann.send(`{"type":"tune","id":2,"channel":"prices:fx","paused":true}`)
	ann.expect(`{"type":"ok","id":2}`)
	for i := range 10 {
		publish(i + 1)
	}
	var asOf int64
	for n := 0; n < 15; n++ { // sweeps vouch once a second
		_, payload, err := ann.ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if f, err := wire.DecodeServer(payload); err == nil && f.AsOf > 0 {
			asOf = f.AsOf
		}
	}
	again := s.connect("acme", "ann")
	again.send(`{"type":"subscribe","id":3,"channel":"prices:fx","since":"` + at + `","asOf":` + strconv.FormatInt(asOf, 10) + `}`)
	again.expect(`{"type":"ok","id":3,"resumed":false,"gap":true}`)
}

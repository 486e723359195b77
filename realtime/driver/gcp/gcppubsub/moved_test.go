package gcppubsub_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// mover is a client of a Hub that goes to the topic its tenant is moved to.
type mover struct {
	t       *testing.T
	channel realtime.Channel
	client  *resumetest.Client

	mu  sync.Mutex // guards all below
	had int        // messages that were new
}

// visit is one connection of a mover, and its transport.
type visit struct {
	m        *mover
	hub      *hub.Hub
	conn     *hub.Connection
	told     *resumetest.ClientConnection
	box      *outbox.Outbox
	answered chan struct{}
}

func (v *visit) Beat(time.Time) bool { return true }

func (v *visit) Shut(err *realtime.Error) { v.m.t.Errorf("a connection was shut: %v", err) }

func (v *visit) Flush() {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	if !v.box.Begin() {
		return
	}
	for {
		frames := v.box.Next(nil, 1<<12)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			v.hear(f)
		}
	}
}

// hear reads a finished frame, whose header is 2 or 4 bytes here.
func (v *visit) hear(frame []byte) {
	head := 2
	if frame[1] == 126 {
		head = 4
	}
	f, err := wire.DecodeServer(frame[head:])
	if err != nil {
		v.m.t.Errorf("%s: %v", frame[head:], err)
		return
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		v.m.t.Error(err)
	}
	switch f.Type {
	case wire.TypeOK:
		v.told.Answer(v.m.channel, f.Resumed, f.Gap, at)
		close(v.answered)
	case wire.TypeMessage:
		if v.told.Message(v.m.channel, at) {
			v.m.had++
		}
	case wire.TypeNotice:
		v.told.Gap(v.m.channel, at)
	case wire.TypeHeartbeat:
		v.told.Heartbeat(realtime.Position{Time: f.AsOf})
	}
}

// visit connects, asks for the channel where the client stands, and waits for the answer.
func (m *mover) visit(h *hub.Hub, tenant *realtime.Tenant) *visit {
	m.t.Helper()
	v := &visit{m: m, hub: h, told: m.client.Open(), box: outbox.New(wire.Encoder{}, nil), answered: make(chan struct{})}
	var err error
	v.conn, err = h.Connect(tenant, &realtime.Principal{
		Tenant: tenant.ID, User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, v.box, v)
	if err != nil {
		m.t.Fatal(err)
	}
	q := v.told.Ask(m.channel)
	if err = h.Subscribe(v.conn, hub.SubscribeRequest{Channel: m.channel, Since: q.Since, AsOf: q.AsOf.Time}); err != nil {
		m.t.Fatal(err)
	}
	<-v.answered
	return v
}

func (v *visit) end() {
	v.m.mu.Lock()
	v.told.Close()
	v.m.mu.Unlock()
	v.hub.Disconnect(v.conn)
}

// A tenant goes from its own topic to a shared one while two processes publish: its client has
// everything once and in order. A move of 20 seconds stands for one of 15 minutes.
func TestMoveBetweenTopics(t *testing.T) {
	t.Parallel()
	project, place := emulators.Project(t), realtime.Placed(3)
	tenant := &realtime.Tenant{ID: "acme"}
	moved := &realtime.Tenant{ID: "acme", Placement: realtime.PlacementPooled}
	checker := resumetest.NewChecker(resumetest.CheckerOptions{})
	broker := openBroker(t, project, gcppubsub.BrokerOptions{})
	h := hub.New(pubsubemulator.NewBroker(broker, nil), hub.Options{Instance: "i1", Payload: wire.Compact, Placement: place})
	for _, d := range []*realtime.Tenant{tenant, moved} {
		if err := broker.EnsureTopic(t.Context(), place(d)); err != nil {
			t.Fatal(err)
		}
	}
	channel, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	m := &mover{t: t, channel: channel, client: resumetest.NewClient("ann", checker)}
	v := m.visit(h, tenant)

	pub := publish.New(broker, publish.Options{Placement: place})
	n := 0
	send := func(doc *realtime.Tenant) {
		id := fmt.Sprint(n)
		n++
		checker.Published(channel, id)
		if err := pub.Publish(t.Context(), doc, []realtime.Publication{{Channel: channel, ID: id, Data: []byte("1")}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		send(tenant)
	}
	now := time.Now()
	moved.Moved = &realtime.Moved{From: realtime.PlacementOwn, At: now, Until: now.Add(20 * time.Second)}
	h.Update(moved)
	for end := moved.Moved.Until.Add(3 * time.Second); time.Now().Before(end); {
		send(moved)
		if h.Topic(moved) != v.conn.Topic() { // as a gateway asks it to
			next := m.visit(h, moved)
			v.end()
			v = next
		}
	}
	for had := 0; had < n; <-time.After(20 * time.Millisecond) {
		m.mu.Lock()
		had = m.had
		m.mu.Unlock()
	}
	checker.Finish()
	if err := checker.Err(); err != nil {
		t.Error(err)
	}
	if c := checker.Counts(); c.Gaps > 0 || c.Resumed != 1 || v.conn.Topic() != place(moved) {
		t.Errorf("%+v, on %s", c, v.conn.Topic())
	}
	v.end()
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := broker.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

package hub_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// bombRig is a rig whose parts may panic. Of three readers the first is the one whose transport does.
type bombRig struct {
	*rig
	*bombs
	log     *bytes.Buffer
	readers []*page
	armed   *atomic.Bool
}

func newBombRig(t *testing.T) *bombRig {
	t.Helper()
	b := &bombRig{bombs: &bombs{left: map[string]int{}, count: map[string]int{}}, log: &bytes.Buffer{}, armed: &atomic.Bool{}}
	b.rig = &rig{t: t, tenant: acmeTenant(), metrics: &levels{}}
	b.tenant.Namespaces = map[string]realtime.Namespace{"tick": {Tick: realtime.Duration(20 * time.Millisecond)}}
	inner := memory.NewBroker(memory.BrokerOptions{})
	b.broker = bombBroker{inner, b.bombs}
	b.pub = publish.New(inner, publish.Options{Tracer: bombTracer{b.bombs}})
	b.hub = hub.New(b.broker, hub.Options{
		Instance: "i1", Payload: b.payload, Metrics: bombMetrics{bombs: b.bombs}, Tracer: bombTracer{b.bombs},
		Logger: slog.New(slog.NewJSONHandler(b.log, nil)),
	})
	t.Cleanup(func() {
		if err := b.hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := inner.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bombRig) open(user string) *page {
	p := &page{t: b.t, box: outbox.New(bombEncoder{wire.Encoder{}, b.bombs}, nil)}
	armed := &atomic.Bool{}
	if len(b.readers) == 0 {
		armed = b.armed
	}
	all := []realtime.Pattern{"**"}
	c, err := b.hub.Connect(b.tenant, &realtime.Principal{
		Tenant: "acme", User: user, Expires: time.Now().Add(24 * time.Hour),
		Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all},
	}, p.box, bombPage{p, b.bombs, armed})
	if err != nil {
		b.t.Fatal(err)
	}
	p.conn = c
	b.readers = append(b.readers, p)
	return p
}

// TestPanicEndsOneThing: whatever a Hub calls may panic. The process lives, the panic is counted and logged with its
// stack, and a moment later events of every channel reach whoever was not closed, and
// newcomers.
func TestPanicEndsOneThing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		times  int
		event  func(b *bombRig)
		reason realtime.Reason
		closed bool // the first reader
		all    bool // the others too
		gap    bool // the others are told
	}{
		"message":          {1, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Channel, false, false, true},
		"payload":          {1, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Channel, false, false, false},
		"gap":              {1, func(b *bombRig) { b.publish("prices:fx", "poison") }, contain.Channel, true, true, false},
		"direct":           {1, func(b *bombRig) { b.direct() }, contain.Topic, false, false, false},
		"presence":         {1, func(b *bombRig) { b.come() }, contain.Channel, false, false, false},
		"heartbeat":        {1, func(*bombRig) { time.Sleep(time.Minute) }, contain.Connection, false, false, false},
		"closing":          {1, func(b *bombRig) { b.readers[0].conn.Close(realtime.Errorf(realtime.CodeTooSlow, "")) }, contain.Connection, true, false, false},
		"flush":            {1, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Connection, true, false, false},
		"flush in a tick":  {1, func(b *bombRig) { b.publish("tick:1", "x", "y"); time.Sleep(time.Second) }, contain.Connection, true, false, false},
		"beat":             {1, func(*bombRig) { time.Sleep(time.Minute) }, contain.Connection, true, false, false},
		"spoilt channel":   {0, func(b *bombRig) { b.hub.Spoil(b.channel("prices:fx")); b.publish("prices:fx", "x") }, contain.Channel, true, true, false},
		"shut":             {1, func(b *bombRig) { b.readers[0].conn.Close(realtime.Errorf(realtime.CodeTooSlow, "")) }, contain.Connection, true, false, false},
		"answer":           {1, func(b *bombRig) { b.askBadly(b.readers[0]) }, contain.Connection, true, false, false},
		"add":              {5, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Metrics, false, false, false},
		"level":            {5, func(*bombRig) { time.Sleep(3 * time.Second) }, contain.Metrics, false, false, false},
		"took":             {5, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Metrics, false, false, false},
		"add tidewire.any": {0, func(b *bombRig) { b.publish("prices:fx", "x") }, "", false, false, false},
		"tracer":           {1, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Metrics, false, false, false},
		"publish":          {1, func(b *bombRig) { b.late() }, contain.Broker, false, false, false},
		"published":        {1, func(b *bombRig) { b.late() }, contain.Broker, false, false, false},
		"receive":          {1, func(b *bombRig) { b.publish("prices:fx", "x") }, contain.Broker, false, false, false},
		"follow":           {3, func(b *bombRig) { b.again() }, contain.Broker, false, false, false},
		"complete":         {1, func(b *bombRig) { b.again() }, contain.Broker, false, false, false},
		"close":            {1, func(b *bombRig) { b.again() }, contain.Broker, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBombRig(t)
				for range 3 {
					p := b.open("ann")
					b.subscribe(p, "prices:fx", realtime.Position{}, 0)
					b.subscribe(p, "tick:1", realtime.Position{}, 0)
				}
				b.publish("prices:fx", "1")
				b.publish("tick:1", "1t")
				time.Sleep(time.Second)
				for _, p := range b.readers {
					b.expect(p, "ok", "ok", "1", "1t")
				}
				bomb, _, _ := strings.Cut(name, " ")
				b.armed.Store(true)
				b.set(bomb, tc.times)
				tc.event(b)
				synctest.Wait()
				time.Sleep(time.Minute) // what has to be followed anew is
				synctest.Wait()
				b.set(bomb, 0)

				if tc.reason != "" && b.panics()[string(tc.reason)] == 0 {
					t.Errorf("counted %v, want %s", b.panics(), tc.reason)
				}
				if log := b.log.String(); tc.reason != "" && (!strings.Contains(log, "a panic was contained") || !strings.Contains(log, `"stack":"goroutine`)) {
					t.Errorf("the log is %s", log)
				}
				for i, p := range b.readers[:3] {
					got := fmt.Sprint(sketch(p.take()))
					if (p.ended() != nil) != (i == 0 && tc.closed || tc.all) {
						t.Errorf("reader %d: closed with %v", i, p.ended())
					}
					if p.ended() == nil && strings.Contains(got, "gap") != tc.gap {
						t.Errorf("reader %d was told %s", i, got)
					}
				}
				late := b.open("late")
				for _, channel := range []string{"prices:fx", "tick:1", "prices:new"} {
					b.subscribe(late, channel, realtime.Position{}, 0)
				}
				late.take()
				b.publish("prices:fx", "9")
				b.publish("tick:1", "9t")
				time.Sleep(time.Second)
				for i, p := range append(b.readers[:3:3], late) {
					if p.ended() == nil {
						got := strings.TrimSuffix(fmt.Sprint(sketch(p.take())), " presence]")
						got = strings.TrimSuffix(strings.Replace(got, "notice:gap ", "", 1), "]") // of what was lost as it came
						if got != "[9 9t" {
							t.Errorf("reader %d then got %s", i, got)
						}
					}
				}
			})
		})
	}
}

func (b *bombRig) direct() {
	if err := b.pub.SendDirect(b.t.Context(), b.tenant, realtime.Target{User: "ann"}, &realtime.Publication{Data: []byte("1")}); err != nil {
		b.t.Error(err)
	}
}

func (b *bombRig) come() {
	if err := b.hub.AskPresence(b.readers[1].conn, b.channel("prices:fx"), true); err != nil {
		b.t.Error(err)
	}
	time.Sleep(time.Second) // all instances have been heard
	b.subscribe(b.open("bob"), "prices:fx", realtime.Position{}, 0)
	time.Sleep(5 * time.Second)
}

func (b *bombRig) askBadly(p *page) {
	err := b.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: b.channel("news:1")})
	if err != nil {
		b.t.Error(err)
	}
}

// late asks for something that needs a fence.
func (b *bombRig) late() {
	b.subscribe(b.open("bob"), "prices:fx", realtime.Position{Time: 1, ID: "gone"}, 0)
	time.Sleep(5 * time.Second)
}

// again has the topic of a tenant followed that was not.
func (b *bombRig) again() {
	other := &realtime.Tenant{ID: "globex"}
	p := &page{t: b.t, box: outbox.New(bombEncoder{wire.Encoder{}, b.bombs}, nil)}
	c, err := b.hub.Connect(other, &realtime.Principal{Tenant: "globex", User: "eve", Expires: time.Now().Add(time.Hour)}, p.box, p)
	if err != nil {
		b.t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	b.hub.Disconnect(c)
	time.Sleep(time.Minute)
}

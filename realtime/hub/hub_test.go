package hub_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// page is a client whose transport hands it every frame at once, unless it is told not to read.
type page struct {
	t    *testing.T
	box  *outbox.Outbox
	conn *hub.Connection

	bytes atomic.Int64 // flushed
	quiet bool         // nobody reads its frames

	mu     sync.Mutex // guards all below
	frames []wire.ServerFrame
	stuck  bool
	shut   *realtime.Error
}

func (p *page) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck || !p.box.Begin() {
		return
	}
	for {
		frames := p.box.Next(nil, 1<<16)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if p.bytes.Add(int64(len(f))); p.quiet {
				continue
			}
			p.frames = append(p.frames, decode(p.t, f))
		}
	}
}

// decode reads a finished frame, whose header is 2, 4 or 10 bytes.
func decode(t *testing.T, frame []byte) wire.ServerFrame {
	t.Helper()
	head := 2
	switch frame[1] {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	f, err := wire.DecodeServer(frame[head:])
	if err != nil {
		t.Errorf("frame %s: %v", frame[head:], err)
	}
	return f
}

func (p *page) Beat(time.Time) bool { return true }

func (p *page) Shut(err *realtime.Error) {
	p.mu.Lock()
	p.shut = err
	p.mu.Unlock()
	p.Flush()
}

// ended says why the connection was shut; nil while it is not.
func (p *page) ended() *realtime.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut
}

// take returns the frames that have come since the last call.
func (p *page) take() []wire.ServerFrame {
	p.mu.Lock()
	defer p.mu.Unlock()
	frames := p.frames
	p.frames = nil
	return frames
}

// rig is a hub on a broker, in a bubble with a clock of its own.
type rig struct {
	t       *testing.T
	broker  realtime.Broker
	hub     *hub.Hub
	pub     *publish.Publisher
	tenant  *realtime.Tenant
	metrics *levels
}

func newRig(t *testing.T, tenant *realtime.Tenant) *rig {
	t.Helper()
	r := &rig{t: t, tenant: tenant}
	r.rebase(memory.NewBroker(memory.BrokerOptions{}))
	return r
}

// rebase gives the rig another broker, and a hub and a publisher on it.
func (r *rig) rebase(broker realtime.Broker) {
	r.broker, r.pub = broker, publish.New(broker, publish.Options{})
	r.metrics = &levels{}
	h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact, Metrics: r.metrics})
	r.hub = h
	r.t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
		if err := broker.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
}

// levels keeps the last level of each gauge and tenant.
type levels struct {
	realtime.NoMetrics
	m sync.Map
}

func (l *levels) Level(g realtime.Gauge, tenant string, value int) {
	l.m.Store(string(g)+" "+tenant, value)
}

// of is the last level, and -1 if none was told.
func (l *levels) of(g realtime.Gauge, tenant string) int {
	if value, ok := l.m.Load(string(g) + " " + tenant); ok {
		return value.(int)
	}
	return -1
}

func (r *rig) expectTopics(want int) {
	r.t.Helper()
	synctest.Wait()
	if got := r.metrics.of(realtime.GaugeTopics, ""); got != want {
		r.t.Errorf("%d topics are followed, want %d", got, want)
	}
}

func acmeTenant() *realtime.Tenant { return &realtime.Tenant{ID: "acme"} }

func (r *rig) connect(user string) *page {
	r.t.Helper()
	p := &page{t: r.t, box: outbox.New(wire.Encoder{}, nil)}
	all := []realtime.Pattern{"**"}
	c, err := r.hub.Connect(r.tenant, &realtime.Principal{
		Tenant: r.tenant.ID, User: user, Groups: []string{"all"}, Expires: time.Now().Add(24 * time.Hour),
		Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all, Enter: all, Demand: all},
	}, p.box, p)
	if err != nil {
		r.t.Fatal(err)
	}
	p.conn = c
	return p
}

func (r *rig) channel(name string) realtime.Channel {
	r.t.Helper()
	c, err := realtime.NewChannel(r.tenant.ID, name)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) publish(channel string, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		pubs := []realtime.Publication{{Channel: r.channel(channel), ID: id, Key: "k" + id, Data: []byte(`{"n":1}`)}}
		if err := r.pub.Publish(context.Background(), r.tenant, pubs); err != nil {
			r.t.Fatal(err)
		}
	}
	synctest.Wait()
}

func (r *rig) subscribe(p *page, channel string, since realtime.Position, asOf int64) {
	r.t.Helper()
	if err := r.hub.Subscribe(p.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel(channel), Since: since, AsOf: asOf}); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

// sketch writes frames as short words: ok, resumed, gap, the IDs of messages, and the other types
// but heartbeats.
func sketch(frames []wire.ServerFrame) (s []string) {
	for _, f := range frames {
		switch {
		case f.Type == "heartbeat":
		case f.Type == "ok" && f.Resumed:
			s = append(s, "resumed")
		case f.Type == "ok" && f.Gap:
			s = append(s, "gap")
		case f.Type == "message":
			p, err := realtime.ParsePosition(f.Position)
			if err != nil {
				return append(s, err.Error())
			}
			s = append(s, p.ID)
		case f.Code != "":
			s = append(s, string(f.Type)+":"+string(f.Code))
		default:
			s = append(s, string(f.Type))
		}
	}
	return s
}

func (r *rig) expect(p *page, want ...string) {
	r.t.Helper()
	if got := sketch(p.take()); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("got %v, want %v", got, want)
	}
}

func last(t *testing.T, p *page) (pos realtime.Position, frames []wire.ServerFrame) {
	t.Helper()
	frames = p.take()
	for _, f := range frames {
		if f.Position != "" {
			var err error
			if pos, err = realtime.ParsePosition(f.Position); err != nil {
				t.Fatal(err)
			}
		}
	}
	return pos, frames
}

func TestHubDeliversAndResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.expect(a, "ok")
		r.publish("prices:fx", "1", "2")
		r.publish("prices:other", "x")
		pos, frames := last(t, a)
		if got := fmt.Sprint(sketch(frames)); got != "[1 2]" {
			t.Fatalf("got %v", got)
		}
		r.hub.Disconnect(a.conn)
		r.publish("prices:fx", "3", "4", "3")

		b := r.connect("ann")
		r.subscribe(b, "prices:fx", pos, 0)
		r.expect(b, "resumed", "3", "4")
		r.publish("prices:fx", "5")
		r.expect(b, "5")
	})
}

// Who comes first is given a moment from which it resumes, though the stream has only just begun.
func TestTheFirstMomentIsGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		time.Sleep(2 * time.Millisecond)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		since, _ := last(t, a)
		time.Sleep(time.Millisecond)
		r.publish("prices:fx", "1")
		b := r.connect("ann")
		r.subscribe(b, "prices:fx", since, 0)
		r.expect(b, "resumed", "1")
	})
}

func TestHubSaysGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"prices": {Window: 3}}
		r := newRig(t, tenant)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		pos, _ := last(t, a)
		time.Sleep(10 * time.Millisecond)
		r.publish("prices:fx", "2", "3", "4", "5")
		b := r.connect("bob")
		r.subscribe(b, "prices:fx", pos, 0)
		r.expect(b, "gap")
		r.publish("prices:fx", "6")
		r.expect(b, "6")
	})
}

func TestSilentChannelIsNoGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		pos, _ := last(t, a)
		time.Sleep(time.Hour)
		synctest.Wait()
		var asOf int64
		for _, f := range a.take() {
			asOf = max(asOf, f.AsOf)
		}
		if age := time.Since(time.UnixMilli(asOf)); age > time.Minute {
			t.Errorf("asOf is %v old", age)
		}
		r.hub.Disconnect(a.conn)
		time.Sleep(time.Minute)

		b := r.connect("ann")
		r.subscribe(b, "prices:fx", pos, 0)
		r.expect(b, "gap")
		c := r.connect("ann")
		r.subscribe(c, "prices:fx", pos, asOf)
		r.expect(c, "resumed")
		r.publish("prices:fx", "2")
		r.expect(c, "2")
	})
}

func TestSlowReaderGetsItsPolicy(t *testing.T) {
	t.Parallel()
	for policy, want := range map[realtime.Overflow]string{
		realtime.OverflowDisconnect: "[error:too-slow]",
		realtime.OverflowDropOldest: "[notice:dropped ok 7 8 9]",
		realtime.OverflowConflate:   "[notice:dropped ok 7 8 9]",
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"*": {Overflow: policy}}
				tenant.Limits.QueueMessages = 3
				r := newRig(t, tenant)
				slow, quick := r.connect("ann"), r.connect("bob")
				slow.stuck = true
				r.subscribe(slow, "prices:fx", realtime.Position{}, 0)
				r.subscribe(quick, "prices:fx", realtime.Position{}, 0)
				for n := range 9 { // one burst each
					r.publish("prices:fx", strconv.Itoa(n+1))
				}
				r.expect(quick, "ok", "1", "2", "3", "4", "5", "6", "7", "8", "9")
				slow.stuck = false
				slow.Flush()
				if got := fmt.Sprint(sketch(slow.take())); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
				if (slow.shut != nil) != (policy == realtime.OverflowDisconnect) {
					t.Errorf("shut: %v", slow.shut)
				}
			})
		})
	}
}

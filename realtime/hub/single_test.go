package hub_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// counting is a broker of single channels that counts what it hands over, and may panic in an Add.
type counting struct {
	realtime.Broker
	realtime.ChannelFollower

	mu      sync.Mutex // guards what follows
	handed  map[string]int
	whole   int // streams of the whole topic ever opened
	single  int // those of single channels
	added   map[string]bool
	panicks int // so many Adds that come next
}

func newCounting(b interface {
	realtime.Broker
	realtime.ChannelFollower
}) *counting {
	return &counting{Broker: b, ChannelFollower: b, handed: map[string]int{}, added: map[string]bool{}}
}

func (b *counting) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	b.mu.Lock()
	b.whole++
	b.mu.Unlock()
	return b.Broker.Follow(ctx, topic, f)
}

func (b *counting) FollowChannels(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.ChannelStream, error) {
	b.mu.Lock()
	b.single++
	b.mu.Unlock()
	s, err := b.ChannelFollower.FollowChannels(ctx, topic, f)
	if err != nil {
		return nil, err
	}
	return &countingStream{s, b}, nil
}

// take returns what was handed over since the last call, by channel; "" is what has none.
func (b *counting) take() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	handed := b.handed
	b.handed = map[string]int{}
	return handed
}

// streams returns how many were opened of each kind, and what is added.
func (b *counting) streams() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d single, %d whole, %v added", b.single, b.whole, b.added)
}

func (b *counting) expect(t *testing.T, want string) {
	t.Helper()
	if got := b.streams(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

type countingStream struct {
	realtime.ChannelStream
	broker *counting
}

func (s *countingStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	messages, err := s.ChannelStream.Receive(ctx)
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for _, m := range messages {
		s.broker.handed[m.Channel.Name()]++
	}
	return messages, err
}

func (s *countingStream) Add(ctx context.Context, c realtime.Channel, since time.Time) (time.Time, error) {
	s.broker.mu.Lock()
	panicks := s.broker.panicks > 0
	if panicks {
		s.broker.panicks--
	} else {
		s.broker.added[c.Name()] = true
	}
	s.broker.mu.Unlock()
	if panicks {
		panic("an Add")
	}
	return s.ChannelStream.Add(ctx, c, since)
}

func (s *countingStream) Remove(ctx context.Context, c realtime.Channel) error {
	s.broker.mu.Lock()
	delete(s.broker.added, c.Name())
	s.broker.mu.Unlock()
	return s.ChannelStream.Remove(ctx, c)
}

// singleRig is a rig on a broker of single channels.
func singleRig(t *testing.T, tenant *realtime.Tenant) (*rig, *counting, *faultybroker.Broker) {
	t.Helper()
	faulty := faultybroker.New(memory.NewBroker(memory.BrokerOptions{SingleChannels: true}), faultybroker.Options{})
	b := newCounting(faulty)
	r := &rig{t: t, tenant: tenant}
	r.rebase(b)
	return r, b, faulty
}

// TestOneOfAThousandChannels: who reads one channel of a thousand has that one handed over by the broker, and no other, before and after; and when nobody has read
// it for a while, not even that.
func TestOneOfAThousandChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, b, _ := singleRig(t, acmeTenant())
		time.Sleep(time.Hour) // or the topic would be known from its beginning
		all := func(id string) {
			for i := range 1000 {
				r.publish(fmt.Sprint("c:", i), id)
			}
		}
		all("before")
		a := r.connect("ann")
		r.subscribe(a, "c:500", realtime.Position{}, 0)
		all("live")
		r.expect(a, "ok", "live")
		handed := b.take()
		delete(handed, "")
		if want := map[string]int{"c:500": 3}; !maps.Equal(handed, want) { // two events and a fence
			t.Errorf("%v was handed over, want %v", handed, want)
		}
		r.hub.Unsubscribe(a.conn, r.channel("c:500"), "")
		r.connect("bob")
		time.Sleep(time.Minute)
		synctest.Wait()
		b.take()
		all("later")
		handed = b.take()
		if delete(handed, ""); len(handed) > 0 {
			t.Errorf("%v was handed over, which nobody reads", handed)
		}
		b.expect(t, "1 single, 0 whole, map[] added")
		// Somebody comes back to the channel: all is there that the topic keeps, and nothing twice.
		r.subscribe(a, "c:500", realtime.Position{Time: time.Now().Add(-2 * time.Minute).UnixMilli()}, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect(a, "resumed", "before", "live", "later")
	})
}

// TestAddDisturbsNobody: a channel that cannot be added, whatever goes wrong with it, is added in the end, and meanwhile other channels are read, and the topic is
// not followed anew.
func TestAddDisturbsNobody(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*counting, *faultybroker.Broker){
		"fails":  func(_ *counting, f *faultybroker.Broker) { faultybroker.RefuseAdd(f, 3) },
		"hangs":  func(_ *counting, f *faultybroker.Broker) { faultybroker.HangAdd(f, 1) },
		"panics": func(b *counting, _ *faultybroker.Broker) { b.panicks = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, b, f := singleRig(t, acmeTenant())
				bob := r.connect("bob")
				r.subscribe(bob, "good:1", realtime.Position{}, 0)
				r.expect(bob, "ok")
				spoil(b, f)
				ann := r.connect("ann")
				r.subscribe(ann, "bad:1", realtime.Position{}, 0)
				r.publish("good:1", "1")
				r.subscribe(bob, "good:2", realtime.Position{}, 0)
				r.publish("bad:1", "meanwhile")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				r.publish("good:2", "2")
				r.expect(bob, "1", "ok", "2")
				time.Sleep(15 * time.Second)
				synctest.Wait()
				r.publish("bad:1", "3")
				frames := sketch(ann.take())
				if got := fmt.Sprint(frames); got != "[ok 3]" {
					t.Errorf("got %v", got)
				}
				b.expect(t, "1 single, 0 whole, map[bad:1:true good:1:true good:2:true] added")
			})
		})
	}
}

// TestWhatAsksForTheWholeTopic: a subscription to a pattern, and one to a state, has the whole topic followed, and who reads single channels notices nothing of
// it; when nobody has asked for long, single channels are followed again.
func TestWhatAsksForTheWholeTopic(t *testing.T) {
	t.Parallel()
	no := false
	for name, ask := range map[string]func(*rig, *page) (end func()){
		"pattern": func(r *rig, p *page) func() {
			req := &hub.PatternRequest{Pattern: "prices:*", Begins: wire.Encoder{}.Heartbeat}
			if err := hub.SubscribePattern(p.conn, req); err != nil {
				r.t.Fatal(err)
			}
			return func() { hub.UnsubscribePattern(p.conn, "prices:*", "") }
		},
		"state": func(r *rig, p *page) func() {
			if err := r.hub.Subscribe(p.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel("fleet:1"), State: true}); err != nil {
				r.t.Fatal(err)
			}
			return func() { r.hub.Unsubscribe(p.conn, r.channel("fleet:1"), "") }
		},
		"a reader where there is a state": func(r *rig, p *page) func() {
			r.subscribe(p, "fleet:1", realtime.Position{}, 0)
			return func() { r.hub.Unsubscribe(p.conn, r.channel("fleet:1"), "") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no}}}
				r, b, _ := singleRig(t, tenant)
				ann, bob := r.connect("ann"), r.connect("bob")
				r.subscribe(ann, "news:1", realtime.Position{}, 0)
				r.publish("news:1", "1")
				r.expect(ann, "ok", "1")
				end := ask(r, bob)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				bob.take()
				r.publish("news:1", "2")
				r.publish("prices:1", "3")
				r.publish("fleet:1", "4")
				r.expect(ann, "2")
				want, added := "4", "map[news:1:true]"
				switch name {
				case "pattern":
					want = "3"
				case "a reader where there is a state":
					added = "map[fleet:1:true news:1:true]" // until that is known
				}
				r.expect(bob, want)
				b.expect(t, "1 single, 1 whole, "+added+" added")
				time.Sleep(time.Hour) // it stays, while it is read
				synctest.Wait()
				b.expect(t, "1 single, 1 whole, "+added+" added")
				end()
				time.Sleep(30 * time.Minute)
				synctest.Wait()
				r.publish("news:1", "5")
				r.expect(ann, "5")
				b.expect(t, "2 single, 1 whole, "+added+" added")
			})
		})
	}
}

// TestPatternWhileTheWholeTopicComes: who subscribes to a pattern while the whole topic is about to be followed misses nothing of what has been heard by then of a
// channel that single channels did not bring.
func TestPatternWhileTheWholeTopicComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := false
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no}}}
		r, b, f := singleRig(t, tenant)
		ann, bob := r.connect("ann"), r.connect("bob")
		r.subscribe(ann, "news:1", realtime.Position{}, 0)
		r.expect(ann, "ok")
		f.LateReplay(1, 5*time.Second)
		if err := r.hub.Subscribe(ann.conn, hub.SubscribeRequest{ID: "2", Channel: r.channel("fleet:1"), State: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.publish("prices:1", "before")
		time.Sleep(3 * time.Second) // more than clocks may differ
		r.publish("news:1", "1")
		r.expect(ann, "1")
		if err := hub.SubscribePattern(bob.conn, &hub.PatternRequest{Pattern: "prices:*", Begins: wire.Encoder{}.Heartbeat}); err != nil {
			t.Fatal(err)
		}
		r.publish("prices:1", "after")
		r.publish("prices:2", "new")
		b.expect(t, "1 single, 1 whole, map[news:1:true] added")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r.publish("prices:1", "later")
		got := map[string]int{}
		for _, s := range sketch(bob.take()) {
			got[s]++
		}
		if want := map[string]int{"after": 1, "new": 1, "later": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

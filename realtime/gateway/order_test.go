package gateway_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// flakyBroker is a broker that takes its time to say that it has stored something, and fails at times.
type flakyBroker struct {
	realtime.Broker

	mu    sync.Mutex // guards what follows
	rng   *rand.Rand
	slow  time.Duration // at most
	fails float64       // how many of a hundred publications fail, times a hundredth
	late  sync.WaitGroup
}

func newFlakyBroker(t *testing.T, seed uint64, slow time.Duration, fails float64) *flakyBroker {
	b := &flakyBroker{Broker: memory.NewBroker(memory.BrokerOptions{}), rng: rand.New(rand.NewPCG(seed, 1)), slow: slow, fails: fails}
	t.Cleanup(func() {
		b.late.Wait()
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *flakyBroker) chance() (wait time.Duration, fail bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return rand.N(b.slow + 1), b.rng.Float64() < b.fails
}

func (b *flakyBroker) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind != realtime.KindPublication {
		b.Broker.Publish(ctx, topic, m, done)
		return
	}
	wait, fail := b.chance()
	if fail {
		b.late.Go(func() {
			time.Sleep(wait)
			done(&realtime.Error{Code: realtime.CodeUnavailable, Message: "not today", RetryAfter: 10 * time.Millisecond})
		})
		return
	}
	stored := make(chan error, 1)
	b.Broker.Publish(ctx, topic, m, func(err error) { stored <- err })
	b.late.Go(func() {
		err := <-stored
		time.Sleep(wait)
		done(err)
	})
}

// much is a document whose rates bound nothing.
func much() *realtime.Tenant {
	doc := tenant("acme")
	doc.Limits = realtime.Limits{FramesPerSecond: 1_000_000, PublishesPerSecond: 1_000_000, BytesPerSecond: 1 << 30, SubscribesPerSecond: 1_000_000, QueueMessages: 100_000, QueueBytes: 64 << 20}
	return doc
}

// publishing sends publishes named 0 to n-1 to channels, in order and without waiting, and returns how each was answered.
func publishing(t *testing.T, p *peer, n int, channel func(i int) string) []wire.ServerFrame {
	t.Helper()
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range n {
			p.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":%q,"event":"e%d","data":%d}`, i, channel(i), i, i))
		}
	})
	answers := make([]wire.ServerFrame, n)
	for range n {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		i, err := strconv.Atoi(string(f.ID))
		if err != nil {
			t.Fatalf("%+v", f)
		}
		answers[i] = f
	}
	sending.Wait()
	return answers
}

// reads takes n messages and returns what they hold, by channel.
func (p *peer) reads(n int) map[string][]int {
	p.t.Helper()
	got := map[string][]int{}
	for range n {
		f, err := p.next()
		for err == nil && f.Type == wire.TypeNotice { // a hole, where the broker failed
			f, err = p.next()
		}
		if err != nil || f.Type != wire.TypeMessage {
			p.t.Fatalf("%+v, %v", f, err)
		}
		i, err := strconv.Atoi(string(f.Data))
		if err != nil {
			p.t.Fatal(err)
		}
		got[f.Channel] = append(got[f.Channel], i)
	}
	return got
}

// However many publishes are under way, none is refused for that, and they come out in their order: the client is read from
// as fast as the broker stores.
func TestManyPublishesUnderWay(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Broker: newFlakyBroker(t, 1, 30*time.Millisecond, 0)}, much())
	reader := s.connect("acme", "reader")
	reader.send(`{"type":"subscribe","id":1,"channel":"a:1"}`)
	reader.expect(`{"type":"ok"}`)
	const n = 1000
	for i, a := range publishing(t, s.connect("acme", "ann"), n, func(int) string { return "a:1" }) {
		if a.Type != wire.TypeOK {
			t.Fatalf("publish %d: %+v", i, a)
		}
	}
	if got := reader.reads(n)["a:1"]; !slices.IsSorted(got) {
		t.Errorf("they came as %v", got)
	}
}

// A short burst over the rates is slowed down, not refused.
func TestBurstOfPublishesWaitsForItsRate(t *testing.T) {
	t.Parallel()
	doc := much()
	doc.Limits.FramesPerSecond = 100
	s := start(t, gateway.Options{}, doc)
	for i, a := range publishing(t, s.connect("acme", "ann"), 300, func(int) string { return "a:1" }) {
		if a.Type != wire.TypeOK {
			t.Fatalf("publish %d: %+v", i, a)
		}
	}
	if n := s.counts.of(realtime.CountRefusals, "framesPerSecond"); n > 0 {
		t.Errorf("%d refusals were counted", n)
	}
}

// Once a publish is refused that the client will send again, so are all that it had sent behind it, and each says what
// for and until when.
func TestRefusedPublishIsNotOvertaken(t *testing.T) {
	t.Parallel()
	doc := much()
	doc.Limits.PublishesPerSecond = 3 // too slow to wait for
	tenants, err := memory.NewTenants(doc)
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, gateway.Options{Tenants: tenants}, func(b *bubbleGateway) {
		v := b.socket(bearing(longLived(t, doc, "ann")), "")
		for i := range 50 {
			v.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a:1","data":1}`, i))
		}
		synctest.Wait()
		v.mu.Lock()
		answers := slices.DeleteFunc(slices.Clone(v.frames), func(f wire.ServerFrame) bool { return f.ID == "" })
		v.mu.Unlock()
		slices.SortFunc(answers, func(a, b wire.ServerFrame) int {
			return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
		})
		first := slices.IndexFunc(answers, func(f wire.ServerFrame) bool { return f.Type != wire.TypeOK })
		if first < 6 || len(answers) != 50 {
			t.Fatalf("the first refused is number %d of %d", first, len(answers))
		}
		for i, a := range answers[first:] {
			if a.Code != realtime.CodeLimited || a.Limit != "publishesPerSecond" || a.RetryAfterMs == 0 {
				t.Errorf("behind it, %d: %+v", first+i, a)
			}
		}
		time.Sleep(time.Duration(answers[first].RetryAfterMs) * time.Millisecond)
		v.send(`{"type":"publish","id":"again","channel":"a:1","data":1}`)
		synctest.Wait()
		if f := v.last(); f.Type != wire.TypeOK || f.ID != `"again"` {
			t.Errorf("again: %+v", f)
		}
	})
}

// The queue of a connection whose hook does not return fills up; then the client is told, and may leave.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	stuck, started := make(chan struct{}), make(chan struct{}, 1000)
	s := start(t, gateway.Options{HookTimeout: time.Minute, Hooks: gateway.HookFuncs{
		OnPublish: func(_ context.Context, c *gateway.Client, _ *realtime.Publication) error {
			if c.Principal.User == "ann" {
				started <- struct{}{}
				<-stuck
			}
			return nil
		},
	}}, much())
	t.Cleanup(func() { close(stuck) })
	p := s.connect("acme", "ann")
	p.send(`{"type":"publish","id":"first","channel":"a:1","data":1}`)
	<-started
	for i := range 66 {
		p.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a:1","data":1}`, i))
	}
	for i := 64; i < 66; i++ {
		if f := p.expect(fmt.Sprintf(`{"id":%d,"code":"limited","limit":"waitingFrames"}`, i)); f.RetryAfterMs == 0 {
			t.Errorf("no time: %+v", f)
		}
	}
	// Others go on.
	if a := publishing(t, s.connect("acme", "bob"), 1, func(int) string { return "a:1" }); a[0].Type != wire.TypeOK {
		t.Errorf("%+v", a[0])
	}
}

// Whatever the broker, the hooks and the limits do: what was accepted comes out in the order in which it was sent, per channel,
// and what was refused never does. A client that sends again what it was told to, in order, has published all in order.
func TestAcceptedPublishesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 7))
			doc := much()
			if seed%2 == 1 {
				doc.Limits.PublishesPerSecond = 200
			}
			hooks := gateway.HookFuncs{OnPublish: func(_ context.Context, _ *gateway.Client, p *realtime.Publication) error {
				switch n := rand.IntN(100); {
				case n < 2:
					return realtime.Errorf(realtime.CodeForbidden, "not this one")
				case n < 4:
					return &realtime.Error{Code: realtime.CodeUnavailable, Message: "later"}
				case n < 20:
					time.Sleep(time.Duration(n) * 100 * time.Microsecond)
				}
				return nil
			}}
			o := gateway.Options{Broker: newFlakyBroker(t, seed, time.Duration(rng.IntN(20))*time.Millisecond, float64(seed%3/2)*0.02)}
			if seed%3 != 0 {
				o.Hooks = hooks
			}
			s := start(t, o, doc)
			reader, p := s.connect("acme", "reader"), s.connect("acme", "ann")
			for i := range 3 {
				reader.send(fmt.Sprintf(`{"type":"subscribe","id":1,"channel":"a:%d"}`, i))
				reader.expect(`{"type":"ok"}`)
			}
			channels := make([]int, 600)
			for i := range channels {
				channels[i] = rng.IntN(3)
			}
			channel := func(i int) string { return fmt.Sprintf("a:%d", channels[i]) }
			accepted, want := 0, map[string][]int{}
			answers := publishing(t, p, len(channels), channel)
			again := map[string]bool{} // channels on which a publish is to be sent again
			for i, a := range answers {
				if a.Type == wire.TypeOK {
					if again[channel(i)] && seed == 4 { // hooks alone, and asks for seconds of patience
						t.Errorf("%d overtook one that was refused", i)
					}
					accepted++
					want[channel(i)] = append(want[channel(i)], i)
					continue
				}
				again[channel(i)] = again[channel(i)] || a.RetryAfterMs > 0
				if (a.Code == realtime.CodeLimited) != (a.Limit != "") || a.Code != realtime.CodeForbidden && a.RetryAfterMs == 0 {
					t.Errorf("publish %d: %+v", i, a)
				}
			}
			got := reader.reads(accepted)
			for name := range want {
				if !slices.Equal(got[name], want[name]) {
					t.Errorf("%s: accepted %v, came %v", name, want[name], got[name])
				}
			}
			reader.send(`{"type":"ping","id":"end"}`)
			for {
				f, err := reader.next()
				if err != nil || f.Type == wire.TypeMessage {
					t.Fatalf("more came than was accepted: %+v, %v", f, err)
				}
				if f.Type == wire.TypePong {
					break
				}
			}
		})
	}
}

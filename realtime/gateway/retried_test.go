package gateway_test

import (
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
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// fakeRegistry is a broker that writes down what it has stored, by channel: the first copy of each.
type fakeRegistry struct {
	realtime.Broker
	mu     sync.Mutex // guards stored
	stored map[string][]string
}

func (l *fakeRegistry) Publish(ctx context.Context, topic realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind == realtime.KindPublication {
		l.mu.Lock()
		if name := m.Channel.Name(); !slices.Contains(l.stored[name], m.ID) {
			l.stored[name] = append(l.stored[name], m.ID)
		}
		l.mu.Unlock()
	}
	l.Broker.Publish(ctx, topic, m, done)
}

// retrier is a client that publishes without waiting and sends again what it is told to, as clients/js does: what was
// refused keeps its place, and nothing of its channel goes out before it.
type retrier struct {
	v      *bubbleClient
	uplink chan string // frames on their way to the server
	all    []*attempt  // in the order in which they were asked for
	heard  int         // of the frames that have come
	until  time.Time   // nothing is published before it, after a refusal for a limit
}

// attempt is one publish.
type attempt struct {
	channel, event string
	sent           bool // and not answered
	over           bool
	refused        bool // for good
	notBefore      time.Time
}

// open starts a retrier whose frames need some time to arrive.
func (b *bubbleGateway) retrier(token string, latency time.Duration) *retrier {
	r := &retrier{v: b.socket(bearing(token), ""), uplink: make(chan string, 100_000)}
	go func() {
		for f := range r.uplink {
			at, frame, _ := cutTime(f)
			time.Sleep(time.Until(at.Add(latency)))
			r.v.send(frame)
		}
	}()
	return r
}

func cutTime(f string) (time.Time, string, bool) {
	for i := range f {
		if f[i] == ' ' {
			ns, err := strconv.ParseInt(f[:i], 10, 64)
			return time.Unix(0, ns), f[i+1:], err == nil
		}
	}
	return time.Time{}, f, false
}

func (r *retrier) publish(channel, event string) {
	r.all = append(r.all, &attempt{channel: channel, event: event})
}

// settled hears what has come, sends what may go, and reports whether all is over.
func (r *retrier) settled() bool {
	r.v.mu.Lock()
	frames := r.v.frames[r.heard:]
	r.heard = len(r.v.frames)
	r.v.mu.Unlock()
	now := time.Now()
	for _, f := range frames {
		n, err := strconv.Atoi(string(f.ID))
		if err != nil {
			continue
		}
		a := r.all[n]
		a.sent = false
		later := time.Duration(f.RetryAfterMs) * time.Millisecond
		a.over = f.Type == wire.TypeOK || later == 0
		a.refused = f.Type != wire.TypeOK && a.over
		a.notBefore = now.Add(later)
		if f.Code == realtime.CodeLimited && a.notBefore.After(r.until) {
			r.until = a.notBefore
		}
	}
	held, settled := map[string]bool{}, true
	for i, a := range r.all {
		settled = settled && a.over
		if !a.over && !a.sent && !held[a.channel] && !now.Before(a.notBefore) && !now.Before(r.until) {
			a.sent = true
			r.uplink <- fmt.Sprintf(`%d {"type":"publish","id":%d,"channel":%q,"event":%q,"data":%d}`, now.UnixNano(), i, a.channel, a.event, i)
		}
		if !a.over && !a.sent {
			held[a.channel] = true
		}
	}
	return settled
}

// Whatever fails on the way, at once or late, one of a batch or all, at the broker, in a hook or for a rate: what a client publishes on
// one connection to one channel is stored in the order in which it was asked for, once the client has sent again what it was
// told to.
func TestRetriedPublishesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { retriedPublishes(t, seed) })
		})
	}
}

func retriedPublishes(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 11))
	doc := much()
	if seed%4 == 3 {
		doc.Limits.PublishesPerSecond = 100
	}
	tenants, err := memory.NewTenants(doc)
	if err != nil {
		t.Fatal(err)
	}
	l := &fakeRegistry{Broker: memory.NewBroker(memory.BrokerOptions{}), stored: map[string][]string{}}
	broker := faultybroker.New(l, faultybroker.Options{
		Seed: seed, Refuse: 0.02 * float64(seed%2), RefuseLate: 0.02 * float64(seed/2%2), Disown: 0.02, RefuseWithin: 300 * time.Millisecond,
	})
	defer func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	o := gateway.Options{Tenants: tenants, Broker: broker, Metrics: newCounts()}
	if seed%3 > 0 {
		hooked := rand.New(rand.NewPCG(seed, 12))
		slow := []time.Duration{100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond}[seed/3%3]
		o.Hooks = gateway.HookFuncs{OnPublish: func(context.Context, *gateway.Client, *realtime.Publication) error {
			switch n := hooked.IntN(100); {
			case n < 2:
				return realtime.Errorf(realtime.CodeForbidden, "not this one")
			case n < 4:
				return &realtime.Error{Code: realtime.CodeUnavailable, Message: "later"}
			case n < 6:
				return &realtime.Error{Code: realtime.CodeLimited, Limit: "hook", RetryAfter: 100 * time.Millisecond, Message: "not so many"}
			case n < 20:
				time.Sleep(time.Duration(n) * slow)
			}
			return nil
		}}
	}
	within(t, o, func(b *bubbleGateway) {
		r := b.retrier(longLived(t, doc, "ann"), time.Duration(rng.IntN(400))*time.Millisecond)
		defer close(r.uplink)
		for i := range 200 {
			r.publish(fmt.Sprint("a:", rng.IntN(3)), strconv.Itoa(i))
			if rng.IntN(40) == 0 {
				r.settled()
				time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
			}
		}
		r.settle(t)
		l.check(t, r)
	})
}

// settle goes on until all is over.
func (r *retrier) settle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Hour); !r.settled(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to an end")
		}
	}
}

// check fails unless what a client has published is stored in the order in which it was asked for.
func (l *fakeRegistry) check(t *testing.T, r *retrier) {
	t.Helper()
	want, refused := map[string][]string{}, map[string]bool{}
	for _, a := range r.all {
		if refused[a.event] = a.refused; !a.refused {
			want[a.channel] = append(want[a.channel], a.event)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range want {
		// One that was disowned, and that a hook refused when it came again, is stored all the same.
		got := slices.DeleteFunc(l.stored[name], func(event string) bool { return refused[event] })
		for i := range max(len(got), len(want[name])) {
			if i >= len(got) || i >= len(want[name]) || got[i] != want[name][i] {
				t.Errorf("%s: stored %v where %v was due", name, got[min(i, len(got)):], want[name][min(i, len(want[name])):])
				break
			}
		}
	}
}

// A server that is late itself has its clients wait for longer: what lay in its queue, or was not read because that was full, was sent before
// the client knew of a refusal, also when its turn comes long after the second that is given for it.
func TestALateServerKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between int // publishes of another channel
		takes   time.Duration
	}{
		"in the queue":      {50, 100 * time.Millisecond},
		"not read":          {150, 20 * time.Millisecond},
		"both, and refused": {150, 90 * time.Millisecond}, // longer than queueWait
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				doc := much()
				tenants, err := memory.NewTenants(doc)
				if err != nil {
					t.Fatal(err)
				}
				l := &fakeRegistry{Broker: memory.NewBroker(memory.BrokerOptions{}), stored: map[string][]string{}}
				defer func() {
					if err := l.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				fails := map[string]int{"first": 1}
				hooks := gateway.HookFuncs{OnPublish: func(_ context.Context, _ *gateway.Client, p *realtime.Publication) error {
					if p.Channel.Name() == "a:2" {
						time.Sleep(c.takes)
						return nil
					}
					time.Sleep(50 * time.Millisecond) // the others come meanwhile
					if fails[p.ID]--; fails[p.ID] >= 0 {
						return &realtime.Error{Code: realtime.CodeUnavailable, Message: "later", RetryAfter: time.Second}
					}
					return nil
				}}
				within(t, gateway.Options{Tenants: tenants, Broker: l, Hooks: hooks}, func(b *bubbleGateway) {
					r := b.retrier(longLived(t, doc, "ann"), 10*time.Millisecond)
					defer close(r.uplink)
					r.publish("a:1", "first")
					for i := range c.between {
						r.publish("a:2", strconv.Itoa(i))
					}
					r.publish("a:1", "second")
					r.settle(t)
					l.check(t, r)
				})
			})
		})
	}
}

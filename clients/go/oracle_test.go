package tidewire

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
)

// TestOracle has clients whose connections are cut, whose tokens end, whom the server asks to move and who read slowly. From its first answer on,
// each reader, of a channel or of a pattern, has every event of each of its channels once and in order, or is told of a gap of that channel at
// that very place; and what a producer was told is stored has come, in the order in which it was published.
func TestOracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			checker := resumetest.NewChecker(resumetest.CheckerOptions{})
			var broker realtime.Broker
			calm := func() {}
			synctest.Test(t, func(t *testing.T) {
				broker = checker.Tap(memory.NewBroker(memory.BrokerOptions{}))
				if seed%2 == 1 { // a broker that misbehaves, so that there are gaps, and publishes are refused
					rough := faultybroker.New(broker, faultybroker.Rough(seed))
					broker = rough
					calm = rough.Calm
				}
				within(t, gateway.Options{Broker: broker, Lifetime: 3 * time.Minute}, func(t *testing.T, d *deployment) {
					oracle(t, d, checker, calm, rand.New(rand.NewPCG(seed, 12)))
				})
			})
			if err := checker.Err(); err != nil {
				t.Error(err)
			}
			if n := checker.Counts(); n.Delivered < 2000 || n.Resumed < 30 {
				t.Errorf("too little has happened: %+v", n)
			}
		})
	}
}

func oracle(t *testing.T, d *deployment, k *resumetest.Checker, calm func(), r *rand.Rand) {
	short := func(o *Options) { o.Token = d.token("ann", 2*time.Minute) }
	channels := []string{"prices:fx", "prices:equities", "board:7"}
	later := []string{"prices:late", "prices:later", "prices:last"} // nobody publishes to these at first
	ctx, stop := context.WithCancel(t.Context())
	var readers, producers sync.WaitGroup
	clients := []*Client{}
	for i := range 3 {
		c := d.client(fmt.Sprint("reader", i), short)
		clients = append(clients, c)
		for _, name := range channels {
			s, err := c.Subscribe(name, SubscribeOptions{Buffer: 5 + r.IntN(40)})
			if err != nil {
				t.Fatal(err)
			}
			slow := rand.New(rand.NewPCG(r.Uint64(), 1))
			readers.Go(func() { judge(ctx, t, k, fmt.Sprint(i), d, []string{name}, s, slow) })
		}
		for n, name := range []string{"prices:*", "**", "prices:fx"} { // beside the others, and each other
			s, err := c.Subscribe(name, SubscribeOptions{Buffer: 20 + r.IntN(60)})
			if err != nil {
				t.Fatal(err)
			}
			all := map[string][]string{"prices:*": append(channels[:2:2], later...), "**": append(channels[:3:3], later...), "prices:fx": {name}}[name]
			slow := rand.New(rand.NewPCG(r.Uint64(), 1))
			readers.Go(func() { judge(ctx, t, k, fmt.Sprintf("%d, again %d", i, n), d, all, s, slow) })
		}
	}
	producer := d.client("producer", short)
	clients = append(clients, producer)
	for _, name := range channels {
		pace := rand.New(rand.NewPCG(r.Uint64(), 2))
		producers.Go(func() { produce(ctx, t, producer, name, 0, 9*time.Minute, pace) })
	}
	for i, name := range later {
		pace := rand.New(rand.NewPCG(r.Uint64(), 2))
		producers.Go(func() {
			time.Sleep(time.Duration(i) * 2 * time.Minute)
			for burst := range 3 {
				time.Sleep(time.Minute)
				produce(ctx, t, producer, name, 10000*burst, 20*time.Second, pace)
			}
		})
	}
	end := time.Now().Add(10 * time.Minute)
	for time.Now().Before(end) {
		time.Sleep(time.Duration(r.IntN(40)) * time.Second)
		switch r.IntN(4) {
		case 0:
			d.cut()
		case 1:
			d.setDown(true)
			d.cut()
			time.Sleep(time.Duration(r.IntN(20)) * time.Second)
			d.setDown(false)
		}
	}
	calm()
	producers.Wait()
	time.Sleep(5 * time.Minute) // all that is under way arrives
	k.Finish()
	stop()
	readers.Wait()
	for _, c := range clients {
		c.Close()
	}
}

func (d *deployment) channel(name string) realtime.Channel {
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// judge reads, slowly at times, and tells the checker what it is told of each of the channels.
func judge(ctx context.Context, t *testing.T, k *resumetest.Checker, name string, d *deployment, channels []string, s *Subscription, r *rand.Rand) {
	newest := map[string]int{}
	begun := false
	for u, err := range s.Updates(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				t.Errorf("%s ended: %v", name, err)
			}
			return
		}
		about := []string{u.Channel}
		if u.Channel != channels[0] && u.Channel == s.Channel() { // the pattern as a whole
			about = channels
		}
		for _, channel := range about {
			c := d.channel(channel)
			switch {
			case u.Kind == KindLive && (len(about) == 1 || !begun):
				k.Asked(name, c)
				k.Answer(name, c, u.Resumed, false)
			case u.Kind == KindGap:
				k.Gap(name, c)
			case u.Kind == KindMessage:
				k.Message(name, c, u.Message.ID)
				n, err := strconv.Atoi(string(u.Message.Data))
				if last, ok := newest[channel]; err != nil || ok && n <= last || u.Message.Channel != channel {
					t.Errorf("%s of %s came behind %d of %s", u.Message.Data, u.Message.Channel, last, channel)
				}
				newest[channel] = n
			}
		}
		begun = true
		if r.IntN(300) == 0 {
			time.Sleep(time.Duration(r.IntN(60)) * time.Second)
		}
	}
}

// produce publishes numbers for a while, some without waiting for the one before, and checks that each is confirmed.
func produce(ctx context.Context, t *testing.T, c *Client, channel string, from int, long time.Duration, r *rand.Rand) {
	var pending []*Confirmation
	for n, end := from, time.Now().Add(long); time.Now().Before(end); n++ {
		w, err := c.Enqueue(ctx, Event{Channel: channel, Key: fmt.Sprint(n % 10), Data: json.RawMessage(fmt.Sprint(n))})
		if err != nil {
			t.Error(err)
			return
		}
		pending = append(pending, w)
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
	}
	for _, w := range pending {
		if _, err := w.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
}

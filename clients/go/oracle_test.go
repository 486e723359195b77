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
// each reader has every event of its channels once and in order, or is told of a gap at that very place; and what a producer was told is
// stored has come, in the order in which it was published.
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
			readers.Go(func() { judge(ctx, t, k, fmt.Sprint(i), d.channel(name), s, slow) })
		}
	}
	producer := d.client("producer", short)
	clients = append(clients, producer)
	for _, name := range channels {
		pace := rand.New(rand.NewPCG(r.Uint64(), 2))
		producers.Go(func() { produce(ctx, t, producer, name, pace) })
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

// judge reads, slowly at times, and tells the checker what it is told.
func judge(ctx context.Context, t *testing.T, k *resumetest.Checker, name string, c realtime.Channel, s *Subscription, r *rand.Rand) {
	newest := -1
	for u, err := range s.Updates(ctx) {
		if err != nil {
			return
		}
		switch u.Kind {
		case KindLive:
			k.Asked(name, c)
			k.Answer(name, c, u.Resumed, false)
		case KindGap:
			k.Gap(name, c)
		case KindMessage:
			k.Message(name, c, u.Message.ID)
			n, err := strconv.Atoi(string(u.Message.Data))
			if err != nil || n <= newest {
				t.Errorf("%s came behind %d", u.Message.Data, newest)
			}
			newest = n
		}
		if r.IntN(300) == 0 {
			time.Sleep(time.Duration(r.IntN(60)) * time.Second)
		}
	}
}

// produce publishes numbers, some without waiting for the one before, and checks that each is confirmed.
func produce(ctx context.Context, t *testing.T, c *Client, channel string, r *rand.Rand) {
	end := time.Now().Add(9 * time.Minute)
	var pending []*Confirmation
	for n := 0; time.Now().Before(end); n++ {
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

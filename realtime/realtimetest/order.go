package realtimetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// orderOfHandingOver: one publisher that does not wait for done.
func orderOfHandingOver(b *bed) {
	r := b.first()
	channels := []realtime.Channel{b.channel("acme", "a"), b.channel("acme", "b"), b.channel("globex", "a")}
	var sent []*realtime.Message
	want := map[realtime.Channel][]string{}
	for i := range 600 {
		c, id := channels[i%len(channels)], fmt.Sprint(i)
		m := event(c, id)
		if i%50 == 49 {
			m = &realtime.Message{Kind: realtime.KindFence, Publication: realtime.Publication{Channel: c, ID: id}}
		}
		sent = append(sent, m)
		want[c] = append(want[c], id)
	}
	b.publish(b.broker, b.topic, sent...)
	r.read(len(sent))
	for _, c := range channels {
		if diff := cmp.Diff(want[c], r.ids(c)); diff != "" {
			b.Errorf("%v (-handed over +received):\n%s", c, diff)
		}
	}
}

// orderOfConcurrentPublishers: each publisher's own order holds, and two instances
// see the same order of all of them if the driver promises it.
func orderOfConcurrentPublishers(b *bed) {
	const publishers, each = 4, 100
	one := b.first()
	two := b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: time.Now()})
	channels := []realtime.Channel{b.channel("acme", "a"), b.channel("acme", "b"), b.channel("acme", "c")}
	var all sync.WaitGroup
	for p := range publishers {
		broker := []realtime.Broker{b.broker, b.other}[p%2]
		all.Go(func() {
			stored := make(chan error, each*len(channels))
			for i := range each {
				for _, c := range channels {
					m := event(c, fmt.Sprintf("%d/%d", p, i))
					m.Series, m.Number = fmt.Sprint(p), uint64(i)
					broker.Publish(b.Context(), b.topic, m, func(err error) { stored <- err })
				}
			}
			for range cap(stored) {
				if err := <-stored; err != nil {
					b.Errorf("publish: %v", err)
				}
			}
		})
	}
	all.Wait()
	one.read(publishers * each * len(channels))
	two.read(publishers * each * len(channels))
	for _, c := range channels {
		if diff := cmp.Diff(one.ids(c), two.ids(c)); b.harness.Features.SameOrder && diff != "" {
			b.Errorf("%v: two instances see two orders:\n%s", c, diff)
		}
	}
	next := map[name]uint64{} // by publisher and channel
	for _, m := range one.all {
		n := name{channel: m.Channel, id: m.Series}
		if m.Number != next[n] {
			b.Fatalf("%v: publisher %s: number %d where %d was due", m.Channel, m.Series, m.Number, next[n])
		}
		next[n]++
	}
}

// many: a burst arrives whole.
func many(b *bed) {
	r := b.first()
	var sent []*realtime.Message
	for i := range b.harness.Large {
		sent = append(sent, event(b.channel("acme", fmt.Sprintf("c:%d", i%100)), fmt.Sprint(i)))
	}
	b.publish(b.broker, b.topic, sent...)
	r.read(len(sent))
	r.quiet()
}

// brokerTime: the broker's own time, in whole milliseconds, never decreasing within a channel.
func brokerTime(b *bed) {
	r := b.first()
	c := b.channel("acme", "prices")
	begin := time.Now()
	var sent []*realtime.Message
	for i := range 200 {
		m := event(c, fmt.Sprint(i))
		m.Time = time.UnixMilli(1) // what a publisher says does not count
		sent = append(sent, m)
	}
	b.publish(b.broker, b.topic, sent...)
	got := r.read(len(sent))
	slices.SortStableFunc(got, func(x, y realtime.Message) int { return strings.Compare(x.Channel.Name(), y.Channel.Name()) })
	last := time.Time{}
	for _, m := range got {
		switch {
		case m.Time.Nanosecond()%int(time.Millisecond) != 0:
			b.Fatalf("time %v is not in whole milliseconds", m.Time)
		case m.Time.Before(last):
			b.Fatalf("time %v comes after %v", m.Time, last)
		case m.Time.Before(begin.Add(-b.harness.Patience)) || m.Time.After(time.Now().Add(b.harness.Patience)):
			b.Fatalf("time %v is not now, %v", m.Time, time.Now())
		}
		last = m.Time
	}
}

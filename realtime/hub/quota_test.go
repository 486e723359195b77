package hub

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// Events of many channels, each of which has one, take no more than they may: the oldest channels go with what they
// held, and the newest event is there.
func TestManyTinyChannelsAreBounded(t *testing.T) {
	t.Parallel()
	for name, stands := range map[string]bool{"records": true, "put aside": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTopicBench(t)
			const limit = 1 << 20
			b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			for i := range 20_000 {
				c, err := realtime.NewChannel("acme", fmt.Sprintf("c:%d", i))
				if err != nil {
					t.Fatal(err)
				}
				if stands {
					b.channel("acme", fmt.Sprintf("c:%d", i))
				}
				b.publish(c, []byte("1"))
				q := b.g.channels.Records().Quota("acme")
				if n := len(q.Records()); q.Used() > limit || n > limit/880 || b.g.channels.Len() != n {
					t.Fatalf("after %d channels: %d bytes, %d channels", i, q.Used(), n)
				}
				if ch := b.g.channels.Get(c); ch == nil || ch.Record().Empty() || ch.Record().Len() > 1 {
					t.Fatalf("the newest event of %d is not there", i)
				}
			}
			// What was given up is not claimed to be complete.
			again := b.g.channels.Open(func() realtime.Channel { c, _ := realtime.NewChannel("acme", "c:0"); return c }())
			again.Record().Make(b.now.Add(time.Second).UnixMilli())
			if again.Record().CompleteSince(b.now.UnixMilli()) {
				t.Error("a channel that was given up claims to be complete")
			}
		})
	}
}

// While a topic is followed anew, the record that is built and the one that it is to replace
// together stay within what the tenant may use.
func TestQuotaHoldsForBothGenerations(t *testing.T) {
	t.Parallel()
	b := newTopicBench(t)
	const limit = 64 << 10
	b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
	data := make([]byte, 200)
	var names []realtime.Channel
	for i := range 10 {
		names = append(names, b.channel("acme", fmt.Sprintf("c:%d", i)))
	}
	for i := range 2000 {
		b.publish(names[i%len(names)], data)
	}
	b.subscribe(b.connect("acme", "ann"), names[0])
	old := b.g
	b.feed.mu.Lock()
	b.feed.replace(old, "fence")
	next := b.feed.next
	b.feed.mu.Unlock()
	<-b.followed
	next.channels.Phase = channel.PhaseCaughtUp
	next.channels.Records().Complete(b.now)
	check := func(when string) {
		t.Helper()
		used := old.channels.Records().Quota("acme").Used()
		if q := next.channels.Records().Quota("acme"); q != nil {
			used += q.Used()
		}
		if used > limit {
			t.Fatalf("%s: both records use %d bytes of %d", when, used, limit)
		}
	}
	check("at once")
	b.g = next
	for i := range 2000 {
		b.publish(names[i%len(names)], data)
		check(fmt.Sprintf("message %d, put aside", i))
		if i == 1000 {
			for _, name := range names {
				next.channels.Get(name).Record().Make(b.now.Add(time.Duration(b.sent) * time.Microsecond).UnixMilli())
				check("a record stands")
			}
		}
	}
	if n := next.channels.Get(names[0]).Record().Len(); n == 0 {
		t.Error("the new record holds nothing")
	}
}

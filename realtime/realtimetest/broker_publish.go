package realtimetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// first follows as the only instance, from now on.
func (b *bed) first() *reader {
	b.Helper()
	return b.follow(b.broker, realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
}

// sameMessage compares messages as readers see them: nil is as good as empty.
func sameMessage() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b realtime.Channel) bool { return a == b }),
		cmpopts.EquateEmpty(),
	}
}

// carries: every field of every kind arrives as it was handed over.
func (b *bed) carries() {
	r := b.first()
	c := b.channel("acme", "prices:fx.a@b=c+d~e/f_g-h")
	previous := time.UnixMilli(1_700_000_000_123)
	sent := []*realtime.Message{
		{
			Kind: realtime.KindPublication, Series: "s1", Number: math.MaxInt64, Previous: previous, Origin: "i9",
			Publication: realtime.Publication{
				Channel: c, ID: "id ⌘ \"1\"", Key: "EURUSD", Data: []byte("{\"a\":\"\\u0000é\x00\xff\"}"),
				Tags: map[string]string{"region": "eu", "empty": "", "ü": "\"'<>&"},
			},
		},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "bare"}},
		{Kind: realtime.KindFence, Origin: "i1", Publication: realtime.Publication{Channel: c, ID: "f1"}},
		{Kind: realtime.KindBeacon, Origin: "i1", Publication: realtime.Publication{ID: "b1"}},
		{Kind: realtime.KindPulse, Origin: "i1", Publication: realtime.Publication{ID: "p1"}},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{
			Channel: b.channel("acme", strings.Repeat("c", realtime.MaxChannelBytes)),
			ID:      strings.Repeat("i", realtime.MaxIDBytes), Key: strings.Repeat("k", realtime.MaxIDBytes), Tags: manyTags(),
		}},
	}
	b.publish(b.broker, b.topic, sent...)
	got := map[string]realtime.Message{}
	for _, m := range r.read(len(sent)) {
		got[m.ID] = m
	}
	for _, want := range sent {
		m := got[want.ID]
		m.Time = want.Time // the broker's own; the case Time looks at it
		if diff := cmp.Diff(*want, m, sameMessage()); diff != "" {
			b.Errorf("%s %q (-sent +received):\n%s", kindName(want.Kind), want.ID, diff)
		}
	}
	r.quiet()
}

// manyTags are as many and as large as Publication.Check allows.
func manyTags() map[string]string {
	tags := map[string]string{}
	for i := range realtime.MaxTags {
		tags[fmt.Sprintf("%0*d", realtime.MaxTagBytes, i)] = strings.Repeat("v", realtime.MaxTagBytes)
	}
	return tags
}

// orderOfHandingOver: one publisher that does not wait for done.
func (b *bed) orderOfHandingOver() {
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
// see the same order of all of them.
func (b *bed) orderOfConcurrentPublishers() {
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
		if diff := cmp.Diff(one.ids(c), two.ids(c)); diff != "" {
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
func (b *bed) many() {
	r := b.first()
	var sent []*realtime.Message
	for i := range b.harness.Large {
		sent = append(sent, event(b.channel("acme", fmt.Sprintf("c:%d", i%100)), fmt.Sprint(i)))
	}
	b.publish(b.broker, b.topic, sent...)
	r.read(len(sent))
	r.quiet()
}

// time: the broker's own time, in whole milliseconds, never decreasing within a channel.
func (b *bed) time() {
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

// callerKeepsItsBytes: a publisher may use its message, Data and Tags again at once.
func (b *bed) callerKeepsItsBytes() {
	r := b.first()
	c := b.channel("acme", "prices")
	m := &realtime.Message{Kind: realtime.KindPublication}
	m.Data, m.Tags = make([]byte, 1), map[string]string{}
	stored := newCalls(100)
	for i := range 100 {
		m.Channel, m.ID, m.Key = c, fmt.Sprint(i), fmt.Sprint(i)
		m.Data[0], m.Tags["i"] = byte(i), fmt.Sprint(i)
		b.broker.Publish(b.Context(), b.topic, m, stored.done(m.ID))
		m.Channel, m.ID, m.Key = realtime.Channel{}, "overwritten", "overwritten"
		m.Data[0], m.Tags["i"] = 0xff, "overwritten"
	}
	for _, got := range r.read(100) {
		if got.Key != got.ID || got.Tags["i"] != got.ID || len(got.Data) != 1 || fmt.Sprint(got.Data[0]) != got.ID {
			b.Fatalf("%q arrived as key %q, tags %v, data %v", got.ID, got.Key, got.Tags, got.Data)
		}
	}
}

// repeatedID: the broker does not judge; both copies come, and are seen to be the same.
func (b *bed) repeatedID() {
	s, err := b.broker.Follow(b.Context(), b.topic, realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.Background())
	c := b.channel("acme", "prices")
	m := event(c, "same")
	m.Series, m.Number, m.Key = "s1", 7, "k"
	b.publish(b.broker, b.topic, m, event(c, "between"), m, event(c, "last"))
	ctx, cancel := context.WithTimeout(b.Context(), b.harness.Patience)
	defer cancel()
	copies, last := 0, false
	for copies < 2 || !last {
		batch, err := s.Receive(ctx)
		if err != nil {
			b.Fatalf("after %d copies of two: %v", copies, err)
		}
		for _, got := range batch {
			last = last || got.ID == "last"
			if got.ID != "same" {
				continue
			}
			copies++
			if got.Series != "s1" || got.Number != 7 || got.Key != "k" || !bytes.Equal(got.Data, m.Data) {
				b.Fatalf("copy %d arrived as %+v", copies, got)
			}
		}
	}
}

// doneOnce: for each message, also after the broker was closed.
func (b *bed) doneOnce() {
	c, stored := b.channel("acme", "prices"), newCalls(300)
	for i := range 300 {
		b.broker.Publish(b.Context(), b.topic, event(c, fmt.Sprint(i)), stored.done(fmt.Sprint(i)))
	}
	if err := b.broker.Close(); err != nil {
		b.Fatal(err)
	}
	// Close waits for what was handed over.
	for i := range 300 {
		if n := stored.of(fmt.Sprint(i)); n != 1 {
			b.Fatalf("message %d: done was called %d times, want once", i, n)
		}
	}
}

// cancelledPublish: done is called soon, once.
func (b *bed) cancelledPublish() {
	ctx, cancel := context.WithCancel(b.Context())
	c, stored := b.channel("acme", "prices"), newCalls(20)
	for i := range 10 {
		b.broker.Publish(ctx, b.topic, event(c, fmt.Sprint(i)), stored.done(fmt.Sprint(i)))
	}
	cancel()
	for i := 10; i < 20; i++ {
		b.broker.Publish(ctx, b.topic, event(c, fmt.Sprint(i)), stored.done(fmt.Sprint(i)))
	}
	late := time.After(b.harness.Patience)
	for range 20 {
		select {
		case <-stored.each:
		case <-late:
			b.Fatalf("done was not called within %v of the cancelling", b.harness.Patience)
		}
	}
	for i := range 20 {
		if n := stored.of(fmt.Sprint(i)); n != 1 {
			b.Errorf("message %d: done was called %d times, want once", i, n)
		}
	}
	// And the channel is not stuck.
	b.publish(b.broker, b.topic, event(c, "after"))
}

// tooLarge: refused with its code, and nothing else is harmed.
func (b *bed) tooLarge() {
	r, c := b.first(), b.channel("acme", "prices")
	m := event(c, "large")
	m.Data = make([]byte, b.harness.Features.MaxData+1)
	if code := b.refusal(b.topic, m); code != realtime.CodeTooLarge {
		b.Errorf("one byte over the limit: %s, want %s", code, realtime.CodeTooLarge)
	}
	m.Data = m.Data[:b.harness.Features.MaxData]
	b.publish(b.broker, b.topic, m, event(c, "small"))
	if got := r.read(2); len(got[0].Data) != b.harness.Features.MaxData {
		b.Errorf("%d bytes arrived of %d", len(got[0].Data), b.harness.Features.MaxData)
	}
}

// unknownTopic: neither takes messages nor can it be followed.
func (b *bed) unknownTopic() {
	const nowhere realtime.Topic = "no-such-topic"
	if code := b.refusal(nowhere, event(b.channel("acme", "prices"), "1")); code != realtime.CodeNotFound {
		b.Errorf("publish: %s, want %s", code, realtime.CodeNotFound)
	}
	s, err := b.broker.Follow(b.Context(), nowhere, realtime.Following{Instance: "i1", Generation: 1})
	if realtime.CodeOf(err) != realtime.CodeNotFound || s != nil {
		b.Errorf("follow: %v, want %s", err, realtime.CodeNotFound)
	}
}

// refusal publishes what must be refused and returns the code.
func (b *bed) refusal(topic realtime.Topic, m *realtime.Message) realtime.Code {
	b.Helper()
	stored := make(chan error, 1)
	b.broker.Publish(b.Context(), topic, m, func(err error) { stored <- err })
	select {
	case err := <-stored:
		if err == nil {
			b.Fatal("was taken")
		}
		return realtime.CodeOf(err)
	case <-time.After(b.harness.Patience):
		b.Fatalf("done was not called within %v", b.harness.Patience)
		return ""
	}
}

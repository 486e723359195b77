package realtimetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
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
func carries(b *bed) {
	r := b.first()
	c := b.channel("acme", "prices:fx.a@b=c+d~e/f_g-h")
	previous := time.UnixMilli(1_700_000_000_123)
	sent := []*realtime.Message{
		{
			Kind: realtime.KindPublication, Series: "s1", Number: math.MaxInt64, Previous: previous, Trace: "00-105445aa7843bc8bf206b12000100000-00f067aa0ba902b7-01", Origin: "i9",
			Publication: realtime.Publication{
				Channel: c, ID: "id ⌘ \"1\"", Key: "EURUSD", Data: []byte("{\"a\":\"\\u0000é\x00\xff\"}"),
				Tags: map[string]string{"region": "eu", "empty": "", "ü": "\"'<>&"},
				If:   &realtime.Condition{Is: realtime.ConditionAbsent, AsOf: 17, Known: realtime.KeyState{At: realtime.Position{Time: 16, ID: "a-b c"}, Ends: 18}},
				TTL:  90*time.Second + time.Nanosecond, EventType: "com.example.quote", Source: "//desks.example/eu?a=b", ContentType: "text/plain; charset=utf-8",
			},
		},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "deletion", Key: "EURUSD", Op: realtime.OpDelete}},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "clear", Op: realtime.OpClear}},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "bare"}},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "transient", Key: "c1", Transient: true, TTL: time.Second, Data: []byte("1")}},
		{Kind: realtime.KindFence, Origin: "i1", Publication: realtime.Publication{Channel: c, ID: "f1"}},
		{Kind: realtime.KindBeacon, Origin: "i1", Publication: realtime.Publication{ID: "b1"}},
		{Kind: realtime.KindPulse, Origin: "i1", Publication: realtime.Publication{ID: "p1"}},
		{Kind: realtime.KindCensus, Origin: "i1", Publication: realtime.Publication{ID: "c1", Data: []byte(`{"epoch":1,"n":1}`)}},
		{Kind: realtime.KindCensus, Origin: "i1", Publication: realtime.Publication{ID: "c2", Channel: c, Data: []byte(`{"epoch":1,"n":2,"report":{}}`)}},
		{
			Kind: realtime.KindDirect, Tenant: "acme", To: realtime.Target{User: "ann ⌘"},
			Publication: realtime.Publication{ID: "d1", Key: "k", Data: []byte(`"hello"`), Tags: map[string]string{"a": "b"}, EventType: "mention", Source: "chat", ContentType: "text/plain"},
		},
		{
			Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{Group: "ops"}, Code: realtime.CodeForbidden, Before: previous,
			Publication: realtime.Publication{ID: "x1"},
		},
		{Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{Connection: "c1"}, Code: realtime.CodeReplaced, Publication: realtime.Publication{ID: "x2"}},
		{Kind: realtime.KindPublication, Publication: realtime.Publication{
			Channel: b.channel("acme", strings.Repeat("c", realtime.MaxChannelBytes)),
			ID:      strings.Repeat("i", realtime.MaxIDBytes), Key: strings.Repeat("k", realtime.MaxIDBytes), Tags: manyTags(),
			TTL: realtime.MaxTTL, EventType: strings.Repeat("e", realtime.MaxTypeBytes), Source: strings.Repeat("s", realtime.MaxTypeBytes), ContentType: strings.Repeat("c", realtime.MaxTypeBytes),
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

// callerKeepsItsBytes: a publisher may use its message, Data and Tags again at once.
func callerKeepsItsBytes(b *bed) {
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
func repeatedID(b *bed) {
	s := b.first().stream
	c := b.channel("acme", "prices")
	m := event(c, "same")
	m.Series, m.Number, m.Key = "s1", 7, "k"
	b.publish(b.broker, b.topic, m, event(c, "between"), m, event(c, "last"))
	ctx, cancel := context.WithTimeout(b.Context(), b.harness.Patience)
	defer cancel()
	copies, last := 0, false
	for copies < 2 || !last {
		batch, err := s.Receive(ctx)
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
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
func doneOnce(b *bed) {
	c, stored := b.channel("acme", "prices"), newCalls(300)
	for i := range 300 {
		b.broker.Publish(b.Context(), b.topic, event(c, fmt.Sprint(i)), stored.done(fmt.Sprint(i)))
	}
	if err := b.broker.Close(context.Background()); err != nil {
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
func cancelledPublish(b *bed) {
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
func tooLarge(b *bed) {
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
func unknownTopic(b *bed) {
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

package realtimetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidewire/tidewire/realtime"
)

// channelReader reads a stream of single channels.
type channelReader struct {
	*reader
	channels realtime.ChannelStream
}

// followChannels opens a stream of single channels.
func (b *bed) followChannels(f realtime.Following) *channelReader {
	b.Helper()
	broker := realtime.FollowsChannels(b.other)
	if broker == nil {
		b.Fatal("Features.SingleChannels, but realtime.FollowsChannels denies it")
	}
	s, err := broker.FollowChannels(b.Context(), b.topic, f)
	if err != nil {
		b.Fatalf("follow single channels: %v", err)
	}
	b.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			b.Errorf("close the stream of %s: %v", f.Instance, err)
		}
	})
	return &channelReader{&reader{bed: b, stream: s, name: fmt.Sprintf("%s, generation %d, of single channels of %s", f.Instance, f.Generation, b.topic), had: map[name]bool{}}, s}
}

func (r *channelReader) add(c realtime.Channel, since time.Time) (complete time.Time) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), r.harness.Patience)
	defer cancel()
	complete, err := r.channels.Add(ctx, c, since)
	if err != nil {
		r.Fatalf("add %v: %v", c, err)
	}
	return complete
}

func (r *channelReader) remove(c realtime.Channel) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), r.harness.Patience)
	defer cancel()
	if err := r.channels.Remove(ctx, c); err != nil {
		r.Fatalf("remove %v: %v", c, err)
	}
}

// fence publishes one through a channel and reads until it has come.
func (r *channelReader) fence(c realtime.Channel, id string) {
	r.Helper()
	r.publish(r.broker, r.topic, &realtime.Message{Kind: realtime.KindFence, Origin: "i1", Publication: realtime.Publication{Channel: c, ID: id}})
	for !r.had[name{realtime.KindFence, c, id}] {
		r.read(len(r.all) + 1)
	}
}

// pass reads until the stream has come past what has been published, and lets the clock go on.
func (r *channelReader) pass(id string) {
	r.Helper()
	r.publish(r.broker, r.topic, &realtime.Message{Kind: realtime.KindBeacon, Origin: "i1", Publication: realtime.Publication{ID: id}})
	for !r.had[name{realtime.KindBeacon, realtime.Channel{}, id}] {
		r.read(len(r.all) + 1)
	}
	<-time.After(2 * time.Millisecond)
}

// events are the IDs of the Publications of a channel that have come, in order.
func (r *channelReader) events(c realtime.Channel) (ids []string) {
	for _, m := range r.all {
		if m.Kind == realtime.KindPublication && m.Channel == c {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// expect fails if not exactly these have come of a channel.
func (r *channelReader) expect(c realtime.Channel, want []string) {
	r.Helper()
	got := r.events(c)
	if !r.harness.Features.Ordered {
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("%s, %v (-published +received):\n%s", r.name, c, diff)
	}
}

// among fails if these have not come of a channel, one after the other; repetitions of what came before may be between them.
func (r *channelReader) among(c realtime.Channel, want []string) {
	r.Helper()
	got := r.events(c)
	if !r.harness.Features.Ordered {
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
	}
	left := want
	for _, id := range got {
		if len(left) > 0 && id == left[0] {
			left = left[1:]
		}
	}
	if len(left) > 0 {
		r.Errorf("%s, %v: %q does not come in its order, or not at all: %q", r.name, c, left[0], got)
	}
}

func numbered(part string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(part, i))
	}
	return ids
}

func events(c realtime.Channel, ids []string) (all []*realtime.Message) {
	for _, id := range ids {
		all = append(all, event(c, id))
	}
	return all
}

// singleChannelsBringTheTopic: what belongs to the topic as a whole comes, without any channel, and of channels nothing.
func singleChannelsBringTheTopic(b *bed) {
	since := time.Now().Add(-time.Minute)
	c := b.channel("acme", "prices")
	whole := func(part string) []*realtime.Message {
		return []*realtime.Message{
			event(c, part+"event"),
			{Kind: realtime.KindBeacon, Origin: "i1", Publication: realtime.Publication{ID: part + "beacon"}},
			{Kind: realtime.KindFence, Origin: "i1", Publication: realtime.Publication{ID: part + "fence", Channel: c}},
			{Kind: realtime.KindPulse, Origin: "i1", Publication: realtime.Publication{ID: part + "pulse"}},
			{Kind: realtime.KindDirect, Tenant: "acme", To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: part + "direct", Data: []byte(`1`)}},
			{Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{User: "ann"}, Code: realtime.CodeForbidden, Publication: realtime.Publication{ID: part + "close"}},
			{Kind: realtime.KindCensus, Origin: "i1", Publication: realtime.Publication{ID: part + "census", Data: []byte(`{"epoch":1,"n":1}`)}},
			{Kind: realtime.KindCensus, Origin: "i1", Publication: realtime.Publication{ID: part + "census of a channel", Channel: c, Data: []byte(`{"epoch":1,"n":2,"report":{}}`)}},
		}
	}
	var want []string
	for _, part := range []string{"before ", "live "} {
		for _, m := range whole(part) {
			if m.Kind != realtime.KindPublication && m.Kind != realtime.KindFence && (part == "live " || b.harness.Features.Replay) {
				want = append(want, m.ID)
			}
		}
	}
	b.publish(b.broker, b.topic, whole("before ")...)
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: since})
	b.publish(b.broker, b.topic, whole("live ")...)
	r.read(len(want))
	r.quiet()
	var got []string
	for _, m := range r.all {
		got = append(got, m.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-published +received):\n%s", diff)
	}
}

// addedChannel: a channel that was added has what was published before, and then what is new, in one order, and a fence that is
// published once Add has returned comes back behind that. Of others, whose names are much the same, nothing comes.
func addedChannel(b *bed) {
	since := time.Now().Add(-time.Minute)
	wanted := b.channel("acme", "prices:fx")
	others := []realtime.Channel{b.channel("globex", "prices:fx"), b.channel("acme", "prices"), b.channel("acme", "prices:fx:spot"), b.channel("acme", "Prices:fx")}
	part := func(name string) (ids []string) {
		ids = numbered(name, 50)
		var all []*realtime.Message
		for _, id := range ids {
			all = append(all, event(wanted, id))
			for _, c := range others {
				all = append(all, event(c, id))
			}
		}
		b.publish(b.broker, b.topic, all...)
		return ids
	}
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: since})
	before := part("before")
	r.pass("beacon")
	r.add(wanted, since)
	r.fence(wanted, "fence")
	r.expect(wanted, before)
	live := part("live")
	for len(r.events(wanted)) < len(before)+len(live) {
		r.read(len(r.all) + 1)
	}
	r.expect(wanted, append(before, live...))
	r.quiet()
	for _, m := range r.all {
		if m.Channel != wanted && m.Kind != realtime.KindBeacon {
			b.Errorf("got %s %q of %v, which was not added", kindName(m.Kind), m.ID, m.Channel)
		}
	}
}

// addedAmidPublishing: nothing is missing between what was published before and what is new, whenever the channel is added, and however much is published
// meanwhile.
func addedAmidPublishing(b *bed) {
	since := time.Now().Add(-time.Minute)
	c := b.channel("acme", "prices")
	ids := numbered("e", 600)
	var publishing sync.WaitGroup
	defer publishing.Wait()
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: since})
	begun, half := make(chan struct{}), len(ids)/2
	publishing.Go(func() {
		stored := make(chan error, len(ids))
		for i, m := range events(c, ids) {
			if i == half {
				close(begun)
			}
			b.broker.Publish(b.Context(), b.topic, m, func(err error) { stored <- err })
			if i > half && i%16 == 0 {
				<-time.After(time.Millisecond)
			}
		}
		for range ids {
			if err := <-stored; err != nil {
				b.Errorf("publish: %v", err)
			}
		}
	})
	<-begun
	r.pass("beacon")
	r.add(c, since)
	publishing.Wait()
	r.fence(c, "fence")
	r.expect(c, ids)
}

// removedChannel: what is published to a channel after it was removed does not come. Added again, it has everything again.
func removedChannel(b *bed) {
	since := time.Now().Add(-time.Minute)
	c, other := b.channel("acme", "a"), b.channel("acme", "b")
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: since})
	r.remove(c) // it was not added
	r.add(c, since)
	r.add(other, since)
	b.publish(b.broker, b.topic, events(c, numbered("e", 10))...)
	r.fence(c, "one")
	r.remove(c)
	b.publish(b.broker, b.topic, events(c, []string{"between"})...)
	b.publish(b.broker, b.topic, events(other, []string{"other"})...)
	r.fence(other, "two")
	r.quiet()
	r.expect(c, numbered("e", 10))
	r.expect(other, []string{"other"})

	b.publish(b.broker, b.topic, events(c, []string{"late"})...)
	for _, id := range []string{"three", "four"} { // the second time it is added already
		r.had, r.all, r.copies = map[name]bool{}, nil, true // what came before may be repeated at any time
		r.add(c, since)
		r.fence(c, id)
		r.among(c, append(numbered("e", 10), "between", "late"))
	}
}

// manyChannels: Add waits for nobody who receives, and may be called for many channels at a time.
func manyChannels(b *bed) {
	since := time.Now().Add(-time.Minute)
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: since})
	var all []realtime.Channel
	for i := range 100 {
		c := b.channel("acme", fmt.Sprint("c", i))
		all = append(all, c)
		b.publish(b.broker, b.topic, event(c, "before"))
	}
	var adding sync.WaitGroup
	for _, c := range all {
		adding.Go(func() {
			ctx, cancel := context.WithTimeout(b.Context(), b.harness.Patience)
			defer cancel()
			if _, err := r.channels.Add(ctx, c, since); err != nil {
				b.Errorf("add %v: %v", c, err)
			}
		})
	}
	adding.Wait()
	for _, c := range all {
		b.publish(b.broker, b.topic, event(c, "live"))
	}
	for _, c := range all {
		r.fence(c, "fence")
		r.expect(c, []string{"before", "live"})
	}
}

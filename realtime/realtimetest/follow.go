package realtimetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidewire/tidewire/realtime"
)

// readerOwnsItsBatch: what one reader does with its batch is no other's concern.
func readerOwnsItsBatch(b *bed) {
	one := b.first()
	two := b.follow(b.broker, realtime.Following{Instance: "i2", Generation: 1, Since: time.Now()})
	c := b.channel("acme", "prices")
	for i := range 20 {
		b.publish(b.broker, b.topic, event(c, fmt.Sprint(i)))
		batch, err := one.stream.Receive(b.Context())
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			b.Fatal(err)
		}
		clear(batch)
	}
	for _, m := range two.read(20) {
		if want := event(c, m.ID); m.Channel != c || string(m.Data) != string(want.Data) {
			b.Fatalf("the other stream got %+v", m)
		}
	}
}

// topicsAreApart: nothing crosses from one topic to another, although tenants,
// channels and instances have the same names.
func topicsAreApart(b *bed) {
	c := b.channel("acme", "prices")
	mine := b.first()
	elsewhere := b.newTopic()
	if elsewhere == b.topic {
		b.Fatalf("two topics are both %q", elsewhere)
	}
	theirs := b.followTopic(b.broker, elsewhere, realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	b.publish(b.broker, b.topic, event(c, "mine"), &realtime.Message{Kind: realtime.KindBeacon, Publication: realtime.Publication{ID: "my beacon"}})
	b.publish(b.broker, elsewhere, event(c, "theirs"))
	mine.read(2)
	theirs.read(1)
	mine.quiet()
	theirs.quiet()
	if diff := cmp.Diff([]string{"mine"}, mine.ids(c)); diff != "" {
		b.Error(diff)
	}
	if diff := cmp.Diff([]string{"theirs"}, theirs.ids(c)); diff != "" {
		b.Error(diff)
	}
}

// pooledTopic: one topic carries channels of several tenants, of equal names.
func pooledTopic(b *bed) {
	r := b.first()
	var sent []*realtime.Message
	tenants := []string{"acme", "globex", "0-a"}
	for i := range 30 {
		sent = append(sent, event(b.channel(tenants[i%3], "prices:fx"), fmt.Sprint(i)))
	}
	b.publish(b.broker, b.topic, sent...)
	r.read(len(sent))
	for i, tenant := range tenants {
		var want []string
		for n := i; n < 30; n += 3 {
			want = append(want, fmt.Sprint(n))
		}
		if diff := cmp.Diff(want, r.ids(b.channel(tenant, "prices:fx"))); diff != "" {
			b.Errorf("%s (-sent +received):\n%s", tenant, diff)
		}
	}
}

// instancesAndGenerations: each stream has everything, whoever else follows.
func instancesAndGenerations(b *bed) {
	now := time.Now()
	readers := []*reader{
		b.follow(b.broker, realtime.Following{Instance: "i1", Generation: 1, Since: now}),
		b.follow(b.broker, realtime.Following{Instance: "i1", Generation: 2, Since: now}),
		b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: now}),
	}
	c := b.channel("acme", "prices")
	b.publish(b.broker, b.topic, event(c, "1"), event(c, "2"))
	for _, r := range readers {
		r.read(2)
	}
	// The older generation goes; the others do not notice.
	if err := readers[0].stream.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.publish(b.other, b.topic, event(c, "3"))
	for _, r := range readers[1:] {
		r.read(3)
		if diff := cmp.Diff([]string{"1", "2", "3"}, r.ids(c)); diff != "" {
			b.Errorf("%s (-published +received):\n%s", r.name, diff)
		}
	}
}

// replay: what was published before comes, a beacon too, in order, and what
// is new as well.
func replay(b *bed) {
	since := time.Now().Add(-time.Minute)
	c, d := b.channel("acme", "a"), b.channel("acme", "b")
	var before []*realtime.Message
	for i := range 100 {
		before = append(before, event(c, fmt.Sprint(i)), event(d, fmt.Sprint(i)))
	}
	b.publish(b.broker, b.topic, before...)
	b.publish(b.other, b.topic, &realtime.Message{Kind: realtime.KindBeacon, Origin: "i2", Publication: realtime.Publication{ID: "beacon"}})
	r := b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: since})
	b.publish(b.broker, b.topic, event(c, "live 1"), event(c, "live 2"))
	var replayed, live []string
	beacon := false
	for _, m := range r.read(len(before) + 3) {
		switch {
		case m.Kind == realtime.KindBeacon:
			beacon = m.ID == "beacon" && m.Origin == "i2"
		case m.Channel == c && len(m.ID) > 2:
			live = append(live, m.ID)
		case m.Channel == c:
			replayed = append(replayed, m.ID)
		}
	}
	if !beacon {
		b.Error("the beacon that was published before did not come back")
	}
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
	}
	if diff := cmp.Diff(want, replayed); diff != "" {
		b.Errorf("replayed (-published +received):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"live 1", "live 2"}, live); diff != "" {
		b.Errorf("live (-published +received):\n%s", diff)
	}
}

// replaySinceAMoment: a replay may begin earlier than it was asked to, never later.
func replaySinceAMoment(b *bed) {
	c := b.channel("acme", "prices")
	all := b.follow(b.broker, realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	for i := range 10 {
		b.publish(b.broker, b.topic, event(c, fmt.Sprint(i)))
		<-time.After(2 * time.Millisecond) // so that not all have one time
	}
	messages := all.read(10)
	r := b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: messages[5].Time})
	b.publish(b.broker, b.topic, event(c, "end"))
	for !r.had[name{realtime.KindPublication, c, "end"}] {
		r.read(len(r.all) + 1)
	}
	for _, m := range messages[5:] {
		if !r.had[name{realtime.KindPublication, c, m.ID}] {
			b.Errorf("%s of %v did not come, though the replay began at %v", m.ID, m.Time, messages[5].Time)
		}
	}
}

// oneChannel: a stream of one channel brings everything of it, its fences too, and what was published before as well: whatever else comes.
func oneChannel(b *bed) {
	since := time.Now().Add(-time.Minute)
	wanted := b.channel("acme", "prices:fx")
	others := []realtime.Channel{b.channel("globex", "prices:fx"), b.channel("acme", "prices"), b.channel("acme", "prices:fx:spot"), b.channel("acme", "Prices:fx")}
	fence := func(id string) *realtime.Message {
		return &realtime.Message{Kind: realtime.KindFence, Origin: "i1", Publication: realtime.Publication{Channel: wanted, ID: id}}
	}
	all := func(part string, n int) (sent []*realtime.Message, want []string) {
		for i := range n {
			id := fmt.Sprint(part, i)
			for _, c := range others {
				sent = append(sent, event(c, id))
			}
			sent, want = append(sent, event(wanted, id)), append(want, id)
		}
		return append(sent, fence(part+"fence"), &realtime.Message{Kind: realtime.KindBeacon, Origin: "i1", Publication: realtime.Publication{ID: part + "beacon"}}), append(want, part+"fence")
	}
	before, replayed := all("before", 50)
	b.publish(b.broker, b.topic, before...)
	r := b.follow(b.other, realtime.Following{Instance: "i2", Generation: 1, Since: since, Channel: wanted})
	later, live := all("live", 50)
	b.publish(b.broker, b.topic, later...)
	for len(r.ids(wanted)) < len(replayed)+len(live) {
		r.read(len(r.all) + 1)
	}
	for part, want := range map[string][]string{"before": replayed, "live": live} { // a replay may be late
		got := slices.DeleteFunc(r.ids(wanted), func(id string) bool { return !strings.HasPrefix(id, part) })
		if !b.harness.Features.Ordered {
			slices.Sort(got)
			slices.Sort(want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.Errorf("%s (-published +received):\n%s", part, diff)
		}
	}
	for _, m := range r.all {
		if m.Channel == wanted && (m.Kind == realtime.KindFence) != strings.HasSuffix(m.ID, "fence") {
			b.Errorf("%s came as %s", m.ID, kindName(m.Kind))
		}
	}
}

// completeSince: the claim does not change, and is never earlier than what the
// stream has had.
func completeSince(b *bed) {
	c := b.channel("acme", "prices")
	b.publish(b.broker, b.topic, event(c, "1"))
	<-time.After(2 * time.Millisecond)
	begin := time.Now()
	r := b.first()
	claim := r.stream.CompleteSince()
	switch {
	case claim.IsZero():
		b.Error("it is zero")
	case claim.After(begin.Add(b.harness.Patience + 10*time.Minute)):
		b.Errorf("%v is far in the future", claim)
	}
	b.publish(b.broker, b.topic, event(c, "2"))
	for !r.had[name{realtime.KindPublication, c, "2"}] {
		r.read(len(r.all) + 1)
	}
	if again := r.stream.CompleteSince(); !again.Equal(claim) {
		b.Errorf("it was %v and is %v", claim, again)
	}
	// Event 1 was published before begin. Whoever claims to be complete since before it has had it.
	if claim.Before(begin) && !r.had[name{realtime.KindPublication, c, "1"}] {
		b.Errorf("it is %v, but an event published after that did not come", claim)
	}
}

// persistent: what one process published is there for the next.
func persistent(b *bed) {
	c := b.channel("acme", "prices")
	b.publish(b.broker, b.topic, event(c, "1"))
	for _, broker := range []realtime.Broker{b.broker, b.other} {
		if err := broker.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	r := b.follow(b.open(), realtime.Following{Instance: "i3", Generation: 1, Since: time.Now().Add(-time.Minute)})
	r.read(1)
}

package realtime

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// deadBroker carries nothing: what is published is stored, and nothing ever comes.
type deadBroker struct{}

func (deadBroker) Publish(_ context.Context, _ Topic, _ *Message, done func(error)) { done(nil) }

func (deadBroker) Follow(ctx context.Context, _ Topic, _ Following) (Stream, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (deadBroker) Close() error { return nil }

// plainEncoder makes frames of the data alone.
type plainEncoder struct{}

func plainFrame(payload []byte) Frame {
	return Frame{Bytes: append(AppendFrameHeader(nil, 0x81, len(payload)), payload...)}
}

func (plainEncoder) Payload(data []byte) ([]byte, error) { return data, nil }

func (plainEncoder) Message(p *Publication) Frame                    { return plainFrame(p.Data) }
func (plainEncoder) Direct(p *Publication) Frame                     { return plainFrame(p.Data) }
func (plainEncoder) Gap(Channel, Position) Frame                     { return plainFrame([]byte("gap")) }
func (plainEncoder) Dropped(Channel, int) Frame                      { return plainFrame([]byte("dropped")) }
func (plainEncoder) Presence(Channel, []Member, []Member, int) Frame { return plainFrame([]byte("p")) }
func (plainEncoder) Heartbeat(Position) Frame                        { return plainFrame([]byte("heartbeat")) }
func (plainEncoder) Closing(*Error) Frame                            { return plainFrame([]byte("closing")) }
func (plainEncoder) Move(int64) Frame                                { return plainFrame([]byte("move")) }

// deafTransport takes what comes and throws it away.
type deafTransport struct{ box *Outbox }

func (d deafTransport) Flush() {
	for d.box.Begin() {
		for len(d.box.Next(nil, 1<<20, nil)) > 0 {
		}
	}
}
func (deafTransport) Beat(time.Time) bool { return true }
func (deafTransport) Shut(*Error)         {}

// bench is one topic, followed by a generation whose messages a test hands in itself.
type topicBench struct {
	tb    testing.TB
	hub   *Hub
	feed  *feed
	g     *generation
	now   time.Time
	sent  int
	batch [1]Message
}

func newTopicBench(tb testing.TB) *topicBench {
	tb.Helper()
	hub := NewHub(deadBroker{}, HubOptions{Instance: "i", Encoder: plainEncoder{}})
	b := &topicBench{tb: tb, hub: hub, now: time.Now()}
	b.feed = newFeed(hub, "t")
	b.feed.current = b.feed.newGeneration("first")
	b.g = b.feed.current
	b.g.open, b.g.opened, b.g.begun, b.g.complete, b.g.heardAt = true, b.now, true, b.now, b.now
	tb.Cleanup(func() {
		b.feed.stop()
		if err := hub.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return b
}

// serve gives a tenant's document to the topic, as its first connection does.
func (b *topicBench) serve(t *Tenant) { b.feed.tenants[t.ID] = t }

// channel returns a channel whose record stands.
func (b *topicBench) channel(tenant, name string) Channel {
	c, err := NewChannel(tenant, name)
	if err != nil {
		b.tb.Fatal(err)
	}
	ch := b.g.channel(c)
	if !ch.standing {
		ch.stand(b.now.UnixMilli())
	}
	return c
}

// connect adds a connection of a tenant's user, who may do everything.
func (b *topicBench) connect(tenant, user string) *Connection {
	doc := b.feed.tenants[tenant]
	if doc == nil {
		doc = &Tenant{ID: tenant}
	}
	box := NewOutbox(queueOf(doc))
	c := &Connection{id: newName(), hub: b.hub, feed: b.feed, box: box, transport: deafTransport{box}}
	c.tenant.Store(doc)
	all := []Pattern{"**"}
	c.principal.Store(&Principal{Tenant: tenant, User: user, Expires: b.now.Add(time.Hour), Grants: Grants{Subscribe: all, Presence: all}})
	if err := b.feed.add(c); err != nil {
		b.tb.Fatal(err)
	}
	return c
}

// subscribe puts a connection on a channel whose record stands.
func (b *topicBench) subscribe(c *Connection, name Channel) {
	err := b.hub.Subscribe(c, SubscribeRequest{Channel: name,
		Answer: func(Answer) Frame { return plainFrame([]byte("ok")) },
		Refuse: func(*Error) Frame { return plainFrame([]byte("error")) },
	})
	if err != nil {
		b.tb.Fatal(err)
	}
}

// publish hands in one message, a millisecond after the one before.
func (b *topicBench) publish(c Channel, data []byte) {
	b.sent++
	b.batch[0] = Message{
		Kind:        KindPublication,
		Publication: Publication{Channel: c, ID: strconv.Itoa(b.sent), Data: data, Time: b.now.Add(time.Duration(b.sent) * time.Microsecond)},
	}
	b.feed.burst(b.g, b.batch[:])
}

// BenchmarkPublish is a publication to a record that is full, by how many channels a tenant has and
// how many entries each keeps. What it costs must not depend on either.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []struct{ channels, window int }{{1, 1000}, {150, 1000}, {1000, 100}} {
		b.Run(fmt.Sprintf("%dx%d", size.channels, size.window), func(b *testing.B) {
			bench := newTopicBench(b)
			bench.serve(&Tenant{ID: "acme", Namespaces: map[string]Namespace{"*": {Window: size.window, WindowFor: Duration(10 * time.Minute)}}})
			channels := make([]Channel, size.channels)
			for i := range channels {
				channels[i] = bench.channel("acme", fmt.Sprintf("c:%d", i))
			}
			data := make([]byte, 100)
			for i := range size.channels * (size.window + 10) {
				bench.publish(channels[i%len(channels)], data)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bench.publish(channels[i%len(channels)], data)
			}
		})
	}
}

package hub

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/resident"
	"github.com/tidewire/tidewire/realtime/internal/uid"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// deadBroker carries nothing: what is published is stored, and nothing ever comes. It tells of each
// stream: from then on a generation does nothing of its own accord.
type deadBroker struct{ followed chan struct{} }

func (deadBroker) Publish(_ context.Context, _ realtime.Topic, _ *realtime.Message, done func(error)) {
	done(nil)
}

func (d deadBroker) Follow(ctx context.Context, _ realtime.Topic, _ realtime.Following) (realtime.Stream, error) {
	d.followed <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (deadBroker) Close(context.Context) error { return nil }

// plainEncoder makes frames of the data alone.
type plainEncoder struct{ outbox.Encoder }

func plainFrame(payload []byte) outbox.Frame {
	return outbox.Frame{Bytes: append(outbox.AppendFrameHeader(nil, 0x81, len(payload)), payload...)}
}

func (plainEncoder) Name() string { return "plain" }

func (plainEncoder) Subscribed(string, realtime.Channel, outbox.Answer) outbox.Frame {
	return plainFrame([]byte("ok"))
}
func (plainEncoder) Refused(string, realtime.Channel, *realtime.Error) outbox.Frame {
	return plainFrame([]byte("refused"))
}
func (plainEncoder) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	f := plainFrame(p.Data)
	return f, f.Payload()
}
func (plainEncoder) Direct(p *realtime.Publication) outbox.Frame { return plainFrame(p.Data) }
func (plainEncoder) Gap(realtime.Channel, realtime.Position) outbox.Frame {
	return plainFrame([]byte("gap"))
}
func (plainEncoder) Dropped(realtime.Channel, int) outbox.Frame { return plainFrame([]byte("dropped")) }
func (plainEncoder) Presence(realtime.Channel, *outbox.Presence) outbox.Frame {
	return plainFrame([]byte("p"))
}
func (plainEncoder) Occupancy(realtime.Channel, int, int) outbox.Frame {
	return plainFrame([]byte("o"))
}
func (plainEncoder) Heartbeat(realtime.Position) outbox.Frame { return plainFrame([]byte("heartbeat")) }
func (plainEncoder) Ended(r realtime.Right, _ *realtime.Error) outbox.Frame {
	return plainFrame([]byte("ended " + string(r.Action) + " " + r.Channel.Name()))
}
func (plainEncoder) Closing(*realtime.Error) outbox.Frame { return plainFrame([]byte("closing")) }
func (plainEncoder) Move(int64) outbox.Frame              { return plainFrame([]byte("move")) }

// deafTransport takes what comes and throws it away.
type deafTransport struct{ box *outbox.Outbox }

func (d deafTransport) Flush() {
	for d.box.Begin() {
		for len(d.box.Next(nil, 1<<20)) > 0 {
		}
	}
}
func (deafTransport) Beat(time.Time) bool  { return true }
func (deafTransport) Shut(*realtime.Error) {}

// bench is one topic, followed by a generation whose messages a test hands in itself.
type topicBench struct {
	tb      testing.TB
	encoder outbox.Encoder // of connections
	hub     *Hub
	feed    *feed
	g       *generation
	now     time.Time
	sent    int
	batch   [1]realtime.Message

	followed chan struct{}
}

func newTopicBench(tb testing.TB) *topicBench {
	tb.Helper()
	return newCutTopicBench(tb, 0)
}

// newCutTopicBench returns one that gives what comes to so many readers at a time.
func newCutTopicBench(tb testing.TB, part int) *topicBench {
	tb.Helper()
	followed := make(chan struct{}, 10)
	hub := New(deadBroker{followed}, Options{Instance: "i", Pace: Pace{Fence: time.Hour}})
	hub.CutFanOuts(part)
	b := &topicBench{tb: tb, encoder: plainEncoder{}, hub: hub, now: time.Now(), followed: followed}
	b.feed = newFeed(hub, "t")
	b.feed.lock()
	b.feed.current = b.feed.newGeneration("first")
	b.feed.unlock()
	<-followed
	b.g = b.feed.current
	b.g.channels.Phase, b.g.opened, b.g.heardAt = channel.PhaseCaughtUp, b.now, b.now
	b.g.channels.Records().Complete(b.now)
	tb.Cleanup(func() {
		b.feed.stop()
		if err := hub.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return b
}

// serve gives a tenant's document to the topic, as its first connection does.
func (b *topicBench) serve(t *realtime.Tenant) {
	b.feed.tenants[t.ID] = &resident.Tenant[*Connection]{Doc: t}
}

// channel returns a channel whose record stands.
func (b *topicBench) channel(tenant, name string) realtime.Channel {
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		b.tb.Fatal(err)
	}
	ch := b.g.channels.Open(c)
	if ch.State() == channel.Buffering {
		ch.Record().Make(b.now.UnixMilli())
	}
	return c
}

// connect adds a connection of a tenant's user, who may do everything.
func (b *topicBench) connect(tenant, user string) *Connection {
	doc := &realtime.Tenant{ID: tenant}
	if t := b.feed.tenants[tenant]; t != nil {
		doc = t.Doc
	}
	box := outbox.New(b.encoder, queueOf(doc))
	c := &Connection{id: uid.New(), hub: b.hub, feed: b.feed, transport: deafTransport{box}}
	c.client.Conn, c.client.Box = c, box
	b.hub.mu.Lock()
	c.client.Protocol = b.hub.protocol(b.encoder)
	c.client.Schedule.Bind(b.hub.schedule.Join(tenant, 1), (*flusher)(c))
	b.hub.mu.Unlock()
	c.tenant.Store(doc)
	all := []realtime.Pattern{"**"}
	c.principal.Store(&realtime.Principal{Tenant: tenant, User: user, Expires: b.now.Add(time.Hour), Grants: realtime.Grants{Subscribe: all, Presence: all}})
	if err := b.feed.add(c); err != nil {
		b.tb.Fatal(err)
	}
	return c
}

// subscribe puts a connection on a channel whose record stands.
func (b *topicBench) subscribe(c *Connection, name realtime.Channel) {
	if err := b.hub.Subscribe(c, SubscribeRequest{Channel: name}); err != nil {
		b.tb.Fatal(err)
	}
}

// publish hands in one message, a millisecond after the one before.
func (b *topicBench) publish(c realtime.Channel, data []byte) {
	b.sent++
	b.batch[0] = realtime.Message{
		Kind:        realtime.KindPublication,
		Publication: realtime.Publication{Channel: c, ID: strconv.Itoa(b.sent), Data: data, Time: b.now.Add(time.Duration(b.sent) * time.Microsecond)},
	}
	b.g.burst(b.batch[:], nil)
}

// BenchmarkPublish is a publication to a record that is full, by how many channels a tenant has and
// how many entries each keeps. What it costs must not depend on either.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []struct{ channels, window int }{{1, 1000}, {150, 1000}, {1000, 100}} {
		b.Run(fmt.Sprintf("%dx%d", size.channels, size.window), func(b *testing.B) {
			bench := newTopicBench(b)
			bench.serve(&realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"*": {Window: size.window, WindowFor: realtime.Duration(10 * time.Minute)}}})
			channels := make([]realtime.Channel, size.channels)
			for i := range channels {
				channels[i] = bench.channel("acme", fmt.Sprintf("c:%d", i))
			}
			data := make([]byte, 100)
			for i := range size.channels * (3*size.window + 10) { // and their slices have all of their room
				bench.publish(channels[i%len(channels)], data)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bench.publish(channels[i%len(channels)], data)
			}
		})
	}
}

// crowdedTopic is a pooled topic of many tenants, each with a connection that reads a channel of two,
// both of which hold entries.
func crowdedTopic(tb testing.TB, tenants int) *topicBench {
	b := newTopicBench(tb)
	for i := range tenants {
		id := fmt.Sprintf("t%d", i)
		b.subscribe(b.connect(id, "ann"), b.channel(id, "read"))
		b.publish(b.channel(id, "read"), []byte("1"))
		b.publish(b.channel(id, "quiet"), []byte("1"))
	}
	b.g.channels.Vouched, b.feed.longest = 0, 0
	return b
}

// settled waits until the topic has nothing to do that was split.
func (b *topicBench) settled() {
	for {
		b.feed.mu.Lock()
		working := b.feed.chores.working
		b.feed.mu.Unlock()
		if !working {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// happenings are what makes a topic look at all it has: everything but a delivery, whose readers
// are those of one channel.
func happenings() []happening {
	return []happening{
		{"a sweep", func(b *topicBench) { round{b.feed, b.now.Add(time.Second)}.do() }},
		{"sweeps that find all entries too old", func(b *topicBench) {
			for i := range 2 * agingSweeps {
				round{b.feed, b.now.Add(time.Hour + time.Duration(i)*time.Second)}.do()
			}
		}},
		{"an interrupted stream", func(b *topicBench) { b.g.broken() }},
		{"fences that come back", func(b *topicBench) {
			b.g.broken()
			b.settled()
			b.returnFences(b.g)
		}},
		{"the topic is followed anew, and again, and readers move", func(b *topicBench) {
			b.followAnew("pulse")
			b.feed.rebuilt = time.Time{}
			first := b.feed.next
			b.returnFences(first)
			b.followAnew("pulse")
			next := b.feed.next
			b.returnFences(next)
			b.settled()
			b.feed.lock()
			b.feed.settle()
			b.feed.unlock()
			if b.feed.current != next {
				b.tb.Error("the readers have not moved")
			}
		}},
		{"questions that nobody answers", func(b *topicBench) {
			b.g.channels.Phase = channel.PhaseEnded
			for id, t := range b.feed.tenants {
				c, err := realtime.NewChannel(id, "asked")
				if err != nil {
					b.tb.Fatal(err)
				}
				b.subscribe(t.Conns[0], c)
			}
			b.g.replays(b.now)
			b.settled()
			b.g.broken()
			b.followAnew("pulse")
			b.settled()
			round{b.feed, b.now.Add(b.feed.pace.Patience() + time.Minute)}.do()
			if b.feed.asked.First() != nil {
				b.tb.Error("questions are left")
			}
		}},
		{"a tenant's document", func(b *topicBench) {
			b.hub.Update(&realtime.Tenant{ID: "t1"})
			b.feed.update(&realtime.Tenant{ID: "t1"})
		}},
		{"a logout", func(b *topicBench) {
			m := realtime.Message{Kind: realtime.KindClose, Tenant: "t1", To: realtime.Target{User: "ann"}, Code: realtime.CodeUnauthorized, Publication: realtime.Publication{ID: "1", Time: b.now}}
			b.g.burst([]realtime.Message{m}, nil)
		}},
		{"heartbeats", func(b *topicBench) {
			for _, c := range b.feed.connections() {
				c.attend(b.now.Add(30 * time.Second))
			}
		}},
		{"watches, and a disconnect", func(b *topicBench) {
			conns := b.feed.connections()
			for _, c := range conns {
				if err := b.hub.AskPresence(c, b.channel(c.Tenant().ID, "read"), true); err != nil {
					b.tb.Error(err)
				}
			}
			b.feed.remove(conns[0])
		}},
	}
}

type happening struct {
	name string
	what func(*topicBench)
}

// followAnew begins to follow the topic anew, and lets the replay begin.
func (b *topicBench) followAnew(why realtime.Reason) {
	b.feed.lock()
	b.feed.rebuilt = time.Time{}
	g := b.feed.current
	if b.feed.next != nil {
		g = b.feed.next
	}
	b.feed.replace(g, why)
	b.feed.unlock()
	<-b.followed
	b.settled()
	next := b.feed.next
	next.replays(b.now)
	b.feed.lock()
	next.channels.Phase = channel.PhaseCaughtUp
	next.sendFences()
	b.feed.unlock()
	b.settled()
}

// returnFences brings back all fences of a generation that are under way, one at a time.
func (b *topicBench) returnFences(g *generation) {
	b.feed.mu.Lock()
	fences := g.channels.Fences()
	b.feed.mu.Unlock()
	if len(fences) == 0 {
		b.tb.Error("no fence is under way")
	}
	for _, fe := range fences {
		g.burst([]realtime.Message{{Kind: realtime.KindFence, Publication: realtime.Publication{Channel: fe.Channel(), ID: fe.ID, Time: b.now.Add(time.Duration(b.sent) * time.Microsecond)}}}, nil)
	}
}

// TestNobodyHoldsATopicForLong counts the steps that are taken while the lock of a topic with many
// tenants is held: they must not grow with the number of tenants.
func TestNobodyHoldsATopicForLong(t *testing.T) {
	t.Parallel()
	for _, h := range happenings() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			b := crowdedTopic(t, 3000)
			h.what(b)
			b.settled()
			if longest := b.feed.longest; longest > 2*channel.MostSteps {
				t.Errorf("%d steps while the lock was held, want at most %d", longest, 2*channel.MostSteps)
			}
		})
	}
}

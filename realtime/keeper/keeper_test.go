package keeper_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/keeper"
)

// bench is a keeper in one process, with a tenant of each name whose namespaces have state or not.
type bench struct {
	*testing.T
	broker  *memory.Broker
	tenants *memory.Tenants
	store   *memory.States
	keeper  *keeper.Keeper
	number  int
}

func newBench(t *testing.T, docs ...*realtime.Tenant) *bench {
	tenants, err := memory.NewTenants(docs...)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, broker: memory.NewBroker(memory.BrokerOptions{}), tenants: tenants, store: memory.NewStates()}
	b.keeper = b.another()
	return b
}

func (b *bench) another() *keeper.Keeper {
	return keeper.New(keeper.Options{Broker: b.broker, Reader: b.broker, Tenants: b.tenants, States: b.store, Placement: realtime.Placed(1)})
}

func stateful(id string, namespaces ...string) *realtime.Tenant {
	doc := &realtime.Tenant{ID: id, Namespaces: map[string]realtime.Namespace{"plain": {}}}
	for _, name := range namespaces {
		doc.Namespaces[name] = realtime.Namespace{State: &realtime.State{}}
	}
	return doc
}

// put writes a document over the one that is there.
func (b *bench) put(doc *realtime.Tenant) {
	b.Helper()
	have, err := b.tenants.Stored(b.Context(), doc.ID)
	if err == nil {
		doc.Version = have.Version
	}
	if _, err := b.tenants.Put(b.Context(), doc); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) channel(tenant, name string) realtime.Channel {
	b.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// set publishes a value of a key to a topic.
func (b *bench) set(topic realtime.Topic, c realtime.Channel, key, value string) {
	b.Helper()
	b.number++
	m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: fmt.Sprint(b.number), Key: key, Data: []byte(value)}}
	b.broker.Publish(b.Context(), topic, m, func(err error) {
		if err != nil {
			b.Error(err)
		}
	})
}

func (b *bench) run() keeper.Report {
	b.Helper()
	r, err := b.keeper.Run(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// holds fails unless a channel has these: "key=value". Without any it is to be kept and empty.
func (b *bench) holds(topic realtime.Topic, c realtime.Channel, want ...string) {
	b.Helper()
	got, err := b.store.Checkpoint(b.Context(), topic, c)
	if err != nil {
		b.Fatal(err)
	}
	if got.Watermark.IsZero() {
		b.Errorf("%v is not kept", c)
	}
	var has []string
	for _, e := range got.Entries {
		has = append(has, e.Key+"="+string(e.Data))
	}
	if diff := cmp.Diff(want, has); diff != "" {
		b.Errorf("%v (-want +got):\n%s", c, diff)
	}
}

func (b *bench) notKept(topic realtime.Topic, c realtime.Channel) {
	b.Helper()
	if got, err := b.store.Checkpoint(b.Context(), topic, c); err != nil || !got.Watermark.IsZero() || len(got.Entries) > 0 {
		b.Errorf("%v is kept: %+v, %v", c, got, err)
	}
}

// A key is written once a round, however often it changes; what has not changed is not written.
func TestWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		c := b.channel("acme", "fleet:eu")
		const keys, minutes = 100, 10
		changes := 0
		for range minutes {
			for range 60 {
				for key := range keys {
					b.set("tw-acme", c, fmt.Sprint(key), "1")
				}
				time.Sleep(time.Second)
			}
			r := b.run()
			changes += r.Changes
			if r.Kept != 1 || r.Messages < 60*keys || r.Errors+r.Busy+r.Left > 0 || r.More {
				t.Errorf("%+v", r)
			}
		}
		if changes > keys*minutes {
			t.Errorf("%d writes of %d keys in %d minutes", changes, keys, minutes)
		}
		time.Sleep(time.Minute)
		if r := b.run(); r.Changes != 0 || r.Kept != 1 || r.Lag > 1 {
			t.Errorf("a round in which nothing was published: %+v", r)
		}
	})
}

// counting counts readings that are opened and ended.
type counting struct {
	*memory.Broker
	opened, ended int
}

func (c *counting) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	c.opened++
	return c.Broker.Read(ctx, topic, r)
}

func (c *counting) EndReading(ctx context.Context, topic realtime.Topic, name string) error {
	c.ended++
	return c.Broker.EndReading(ctx, topic, name)
}

// A topic without durable state costs nothing; one that has none any more is not read any more.
func TestWithoutState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := false
		transient := &realtime.Tenant{ID: "globex", Namespaces: map[string]realtime.Namespace{"*": {State: &realtime.State{Durable: &no}}}}
		b := newBench(t, stateful("acme"), transient)
		c := &counting{Broker: b.broker}
		b.keeper = keeper.New(keeper.Options{Broker: b.broker, Reader: c, Tenants: b.tenants, States: b.store})
		if r := b.run(); r != (keeper.Report{}) || c.opened != 0 {
			t.Errorf("%+v, %d readings", r, c.opened)
		}
		b.put(stateful("acme", "fleet"))
		if r := b.run(); r.Kept != 1 || c.opened != 1 {
			t.Errorf("%+v, %d readings", r, c.opened)
		}
		b.put(stateful("acme"))
		if r := b.run(); r.Topics != 0 || c.opened != 1 || c.ended != 1 {
			t.Errorf("%+v, %d readings, %d ended", r, c.opened, c.ended)
		}
		b.run()
		if c.ended != 1 {
			t.Errorf("a reading was ended %d times", c.ended)
		}
	})
}

// A namespace whose rule comes later has what its topic still kept then; another one goes on as before.
func TestRuleThatComesLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		fleet, prices := b.channel("acme", "fleet:eu"), b.channel("acme", "prices:fx")
		b.set("tw-acme", fleet, "old", "1")
		b.set("tw-acme", prices, "older", "1")
		b.run()
		b.holds("tw-acme", fleet, "old=1")
		b.notKept("tw-acme", prices)
		time.Sleep(20 * time.Minute)
		b.set("tw-acme", prices, "kept", "2")
		b.run()
		b.put(stateful("acme", "fleet", "prices"))
		b.set("tw-acme", prices, "new", "3")
		b.run()
		b.holds("tw-acme", prices, "kept=2", "new=3")
		b.holds("tw-acme", fleet, "old=1")

		b.put(stateful("acme", "fleet")) // its rule goes, and comes back after it has changed
		b.run()
		b.notKept("tw-acme", prices)
		b.set("tw-acme", prices, "new", "4")
		time.Sleep(20 * time.Minute)
		b.run()
		b.put(stateful("acme", "fleet", "prices"))
		b.run()
		b.holds("tw-acme", prices)
	})
}

// "*" are the namespaces that are not named.
func TestStar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "*"))
		for _, name := range []string{"fleet:eu", "plain"} {
			b.set("tw-acme", b.channel("acme", name), "k", "1")
		}
		b.run()
		b.holds("tw-acme", b.channel("acme", "fleet:eu"), "k=1")
		b.holds("tw-acme", b.channel("acme", "other"))
		b.notKept("tw-acme", b.channel("acme", "plain"))
	})
}

// Tenants of a pooled topic are kept in one round; what is no tenant's of the topic is left out.
func TestPooled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		acme, globex, initech := stateful("acme", "fleet"), stateful("globex", "fleet"), stateful("initech")
		for _, doc := range []*realtime.Tenant{acme, globex, initech} {
			doc.Placement = realtime.PlacementPooled
		}
		b := newBench(t, acme, globex, initech)
		pool := realtime.PooledTopic(0)
		for _, tenant := range []string{"acme", "globex", "initech", "umbrella"} {
			b.set(pool, b.channel(tenant, "fleet:eu"), "k", `"`+tenant+`"`)
		}
		if r := b.run(); r.Topics != 1 || r.Changes != 2 {
			t.Errorf("%+v", r)
		}
		b.holds(pool, b.channel("acme", "fleet:eu"), `k="acme"`)
		b.holds(pool, b.channel("globex", "fleet:eu"), `k="globex"`)
		b.notKept(pool, b.channel("initech", "fleet:eu"))
		b.notKept(pool, b.channel("umbrella", "fleet:eu"))
	})
}

// The state of a tenant that is moved to another topic is whole there too.
func TestMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		c := b.channel("acme", "fleet:eu")
		b.set("tw-acme", c, "old", "1")
		b.run()
		time.Sleep(time.Hour)
		moved := stateful("acme", "fleet")
		moved.Placement, moved.Moved = realtime.PlacementPooled, realtime.NewMoved(realtime.PlacementOwn, time.Now())
		b.run()
		b.put(moved)
		for range 20 {
			topics, n := realtime.WriteTopics(realtime.Placed(1), moved, time.Now())
			for _, topic := range topics[:n] {
				b.set(topic, c, "new", "2")
				b.number--
			}
			b.number++
			b.run()
			time.Sleep(time.Minute)
		}
		b.holds(realtime.PooledTopic(0), c, "new=2", "old=1")
	})
}

// What was lost because nobody came for too long is not told as if it were the state.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]bool{"too late": false, "too much": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, stateful("acme", "fleet"))
				if flood {
					b.broker = memory.NewBroker(memory.BrokerOptions{TopicBytes: 1 << 20})
					b.keeper = b.another()
				}
				c := b.channel("acme", "fleet:eu")
				b.set("tw-acme", c, "old", "1")
				b.run()
				b.holds("tw-acme", c, "old=1")
				b.set("tw-acme", c, "old", "2")
				time.Sleep(time.Minute)
				for range 10_000 {
					if flood {
						b.set("tw-acme", b.channel("acme", "plain"), "k", "1")
					}
				}
				if !flood {
					time.Sleep(30 * time.Minute)
					b.set("tw-acme", c, "newer", "1") // the log lets go what is too old
				}
				time.Sleep(time.Second)
				b.set("tw-acme", c, "new", "3")
				for range 2 {
					_, _ = b.keeper.Run(t.Context()) // the first may say what it has found
				}
				if flood {
					b.holds("tw-acme", c, "new=3")
				} else {
					b.holds("tw-acme", c, "new=3", "newer=1")
				}
			})
		})
	}
}

// Two rounds at a time share the topics.
func TestBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		if _, err := b.store.Claim(t.Context(), "tw-acme", "another", time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if r := b.run(); r.Busy != 1 || r.Kept != 0 || r.Errors != 0 {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Minute)
		if r := b.run(); r.Kept != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// Every makes rounds until it is told to end.
func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { b.keeper.Every(ctx, time.Second); close(over) }()
		c := b.channel("acme", "fleet:eu")
		for i := range 5 {
			b.set("tw-acme", c, "k", fmt.Sprint(i))
			time.Sleep(1100 * time.Millisecond)
			b.holds("tw-acme", c, fmt.Sprintf("k=%d", i))
		}
		stop()
		<-over
	})
}

// What a hub drops is no state: what is no JSON, and what a store cannot hold.
func TestUnfit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		c := b.channel("acme", "fleet:eu")
		b.set("tw-acme", c, "k", `{ "a" : 1 }`)
		b.set("tw-acme", c, "k", `{"a":`)
		b.set("tw-acme", c, "k", `"`+string(make([]byte, realtime.MaxStateBytes))+`"`)
		big := make([]byte, realtime.MaxStateBytes)
		for i := range big {
			big[i] = 'x'
		}
		b.set("tw-acme", c, "k", `"`+string(big)+`"`)
		if r := b.run(); r.Left != 1 {
			t.Errorf("%+v", r)
		}
		b.holds("tw-acme", c, `k={"a":1}`)
	})
}

// malformed are tenants of which one has a document that cannot be read.
type malformed struct {
	keeper.Tenants
	id string
}

func (m *malformed) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	if id == m.id {
		return nil, realtime.Errorf(realtime.CodeInternal, "the document of tenant %s is invalid", id)
	}
	return m.Tenants.Tenant(ctx, id)
}

// A document that is of no use holds up the topics of its tenant, loses nothing of them, and holds up no others.
func TestMalformedDocument(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		acme, globex, initech := stateful("acme", "fleet"), stateful("globex", "fleet"), stateful("initech", "fleet")
		globex.Placement, initech.Placement = realtime.PlacementPooled, realtime.PlacementPooled
		b := newBench(t, acme, globex, initech)
		docs := &malformed{Tenants: b.tenants}
		b.keeper = keeper.New(keeper.Options{Broker: b.broker, Reader: b.broker, Tenants: docs, States: b.store, Placement: realtime.Placed(1)})
		pool := realtime.PooledTopic(0)
		set := func(value string) {
			b.set("tw-acme", b.channel("acme", "fleet:eu"), "k", value)
			b.set(pool, b.channel("globex", "fleet:eu"), "k", value)
			b.set(pool, b.channel("initech", "fleet:eu"), "k", value)
			time.Sleep(time.Second)
		}
		set("1")
		b.run()
		docs.id = "globex"
		set("2")
		if r := b.run(); r.Topics != 2 || r.Kept != 1 || r.Errors != 1 {
			t.Errorf("%+v", r)
		}
		b.holds("tw-acme", b.channel("acme", "fleet:eu"), "k=2")
		b.holds(pool, b.channel("initech", "fleet:eu"), "k=1")
		docs.id = ""
		if r := b.run(); r.Kept != 2 || r.Errors != 0 {
			t.Errorf("%+v", r)
		}
		for _, tenant := range []string{"globex", "initech"} {
			b.holds(pool, b.channel(tenant, "fleet:eu"), "k=2")
		}
	})
}

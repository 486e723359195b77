package fleet_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// world is some instances with an ideal broker between them.
type world struct {
	mu        sync.Mutex // guards all below, and what is below that
	t         *testing.T
	r         *rand.Rand
	rules     *realtime.Presence
	channel   realtime.Channel
	instances []*instance
	clients   map[int]*client
	next      int
	sent      int
	speaks    *protocol.Protocol
}

// client is a connection, and what it has been told.
type client struct {
	id         int
	at         *instance
	user       string
	subscribed int
	entered    bool
	data       string
	watches    bool
	lost       bool
	knows      map[string]string // data by user
	answered   bool
	crowd      bool
}

// instance is an Attendance and its Owner.
type instance struct {
	f    *world
	name string
	a    *fleet.Fleet[int]
}

func (i *instance) Send(m *realtime.Message, _ func()) {
	i.f.sent++
	m.Time = time.Now()
	for _, to := range i.f.instances {
		to.After(time.Millisecond, func() {
			said, err := fleet.Decode(m)
			if err != nil {
				i.f.t.Error(err)
				return
			}
			to.a.Hear(m, said, time.Now().Add(-time.Hour), time.Now())
		})
	}
}

func (i *instance) After(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		i.f.mu.Lock()
		defer i.f.mu.Unlock()
		do()
	})
}

func (i *instance) Document(tenant string) *realtime.Tenant {
	return &realtime.Tenant{ID: tenant, Namespaces: map[string]realtime.Namespace{"board": {Presence: i.f.rules}}}
}
func (i *instance) Readers(realtime.Channel) iter.Seq[demand.Reader] {
	return func(func(demand.Reader) bool) {}
}
func (i *instance) Channels(string, string) iter.Seq[realtime.Channel] {
	return func(func(realtime.Channel) bool) {}
}

func (i *instance) There(realtime.Channel) iter.Seq[int] {
	return func(yield func(int) bool) {
		for id, c := range i.f.clients {
			for range c.subscribed {
				if c.at == i && !yield(id) {
					return
				}
			}
		}
	}
}

func (i *instance) Who(id int) *presence.Who {
	c := i.f.clients[id]
	return &presence.Who{Connection: fmt.Sprint("c", id), User: c.user}
}
func (i *instance) Lost(id int) bool                                           { return i.f.clients[id].lost }
func (i *instance) May(int, realtime.Action, realtime.Channel) *realtime.Error { return nil }
func (i *instance) Admit(int) error                                            { return nil }
func (i *instance) Unadmit(int)                                                {}
func (i *instance) Begun() bool                                                { return true }
func (i *instance) Explain(*explain.Work)                                      {}

// Push has a client read a frame.
func (i *instance) Push(id int, by func(*protocol.Protocol) outbox.Frame) {
	c, t := i.f.clients[id], i.f.t
	f, err := wire.DecodeServer(by(i.f.speaks).Payload())
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case f.Type == wire.TypeOK || f.Members != nil:
		c.answered, c.crowd, c.knows = true, false, map[string]string{}
		for _, m := range f.Members {
			c.knows[m.User] = string(m.Data)
		}
	case f.Type == wire.TypeError:
		t.Fatalf("%d: %s", id, f.Message)
	case f.Truncated:
		c.crowd = true
		return
	}
	for _, m := range f.Joined {
		if _, is := c.knows[m.User]; is {
			t.Fatalf("%d is told that %s joined, who was there", id, m.User)
		}
		c.knows[m.User] = string(m.Data)
	}
	for _, m := range f.Left.Members {
		if _, is := c.knows[m.User]; !is {
			t.Fatalf("%d is told that %s left, who was not there", id, m.User)
		}
		delete(c.knows, m.User)
	}
	for _, m := range f.Updated {
		if have, is := c.knows[m.User]; !is || have == string(m.Data) {
			t.Fatalf("%d is told that %s has other data, who had %q", id, m.User, have)
		}
		c.knows[m.User] = string(m.Data)
	}
	if f.Count != len(c.knows) && !f.Truncated {
		t.Fatalf("%d is told of %d, and knows %v", id, f.Count, c.knows)
	}
}

func newWorld(t *testing.T, seed uint64, rules *realtime.Presence) *world {
	ch, err := realtime.NewChannel("acme", "board:7")
	if err != nil {
		t.Fatal(err)
	}
	f := &world{t: t, r: rand.New(rand.NewPCG(seed, 4)), rules: rules, channel: ch, clients: map[int]*client{}}
	f.speaks = protocol.New(wire.Encoder{}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
	for n := range 3 {
		i := &instance{f: f, name: fmt.Sprint("i", n)}
		i.a = fleet.New[int](i, fleet.Options{Instance: i.name, Epoch: 1, Effects: &channel.Effects{}, Metrics: realtime.NoMetrics{}, Log: slog.New(slog.DiscardHandler)})
		f.instances = append(f.instances, i)
	}
	return f
}

func (f *world) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		time.Sleep(min(d, time.Second))
		synctest.Wait()
		f.mu.Lock()
		for _, i := range f.instances {
			i.a.Turn(time.Now())
		}
		f.mu.Unlock()
	}
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
}

func (f *world) connect() *client {
	f.next++
	c := &client{id: f.next, at: f.instances[f.r.IntN(3)], user: fmt.Sprint("u", f.r.IntN(8))}
	f.clients[c.id] = c
	return c
}

func (f *world) act() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*client
	for id := 1; id <= f.next; id++ {
		if c := f.clients[id]; !c.lost {
			all = append(all, c)
		}
	}
	if len(all) < 4 || f.r.IntN(6) == 0 && len(all) < 20 {
		f.connect()
		return
	}
	c := all[f.r.IntN(len(all))]
	a, ch := c.at.a, f.channel
	switch f.r.IntN(12) {
	case 0, 1, 2:
		c.subscribed++
		a.Joined(c.id, ch, false)
	case 3:
		if c.subscribed > 0 {
			c.subscribed--
			a.Left(c.id, ch, false)
		}
	case 4, 5:
		c.entered, c.data = true, fmt.Sprint(f.r.IntN(100))
		if err := a.Enter(c.id, ch, json.RawMessage(c.data), false); err != nil {
			f.t.Fatal(err)
		}
	case 6:
		if c.entered {
			c.entered = false
			if err := a.Exit(c.id, ch); err != nil {
				f.t.Fatal(err)
			}
		}
	case 7, 8:
		watch := f.r.IntN(4) > 0
		if c.watches && !watch {
			c.answered = false
		}
		c.watches = watch
		err := a.Ask(c.id, &fleet.Request{
			Channel: ch, Watch: watch,
			Answer:  func(p *outbox.Presence) outbox.Frame { return wire.Answers{}.PresenceOK("1", ch, p) },
			Refused: func(err *realtime.Error) outbox.Frame { return wire.Answers{}.Error("1", "", err) },
		})
		if err != nil {
			f.t.Fatal(err)
		}
	case 9:
		f.lose(c)
	}
}

// lose ends a connection.
func (f *world) lose(c *client) {
	a, ch := c.at.a, f.channel
	c.lost = true
	for ; c.subscribed > 0; c.subscribed-- {
		a.Left(c.id, ch, false)
	}
	c.watches, c.entered = false, false
	a.Forget(c.id)
}

// there is who is present.
func (f *world) there() map[string]struct{} {
	users := map[string]struct{}{}
	for _, c := range f.clients {
		if c.entered || c.subscribed > 0 && f.rules.WithDefaults().Members == realtime.PresenceSubscribed {
			users[c.user] = struct{}{}
		}
	}
	return users
}

func (f *world) check() {
	want := f.there()
	for _, c := range f.clients {
		if !c.watches {
			continue
		}
		if !c.answered || c.crowd {
			f.t.Fatalf("%d: answered %v, crowd %v", c.id, c.answered, c.crowd)
		}
		knows := map[string]struct{}{}
		for user := range c.knows {
			knows[user] = struct{}{}
		}
		if !maps.Equal(knows, want) {
			f.t.Fatalf("%d at %s knows %v, there are %v", c.id, c.at.name, c.knows, want)
		}
	}
}

// TestEveryWatcherKnowsTheFleet: whoever comes, enters, leaves and is lost anywhere, what each watcher was told adds up to who is present, and nobody
// is told what he knows.
func TestEveryWatcherKnowsTheFleet(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]*realtime.Presence{
		"subscribed": nil,
		"entered":    {Members: realtime.PresenceEntered, Grace: realtime.Duration(time.Second)},
	} {
		for seed := range uint64(10) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := newWorld(t, seed, rules)
					for range 8 {
						for range 60 {
							f.act()
							if f.r.IntN(3) == 0 {
								f.pass(time.Duration(f.r.IntN(1500)) * time.Millisecond)
							}
						}
						f.pass(10 * time.Second)
						f.check()
					}
				})
			})
		}
	}
}

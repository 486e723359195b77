package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// lockChannel is one with state that no keeper stores.
const lockChannel = "locks:board"

func withLocks(t *realtime.Tenant) {
	durable := false
	t.Namespaces["locks"] = realtime.Namespace{State: &realtime.State{Durable: &durable}}
}

// user returns a client at an address.
func (f *fleet) user(name, addr string) *tidewire.Client {
	f.t.Helper()
	c, err := tidewire.Connect(f.t.Context(), tidewire.Options{URL: "http://" + addr, Token: tidewire.StaticToken(f.token("acme", name))})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// Each round has as many locks as this, and so many clients want every one of them.
const (
	locksInRound  = 10
	lockClients   = 100
	lockDeadline  = 3 * time.Minute // of a round: a lock lives for longer
	lockTTL       = 4 * time.Minute
	defaultRounds = 3
)

// lockContest is what becomes of locks that many want, round by round. An acquisition is a lock in a round.
type lockContest struct {
	f       *fleet
	clients []*tidewire.Client

	mu      sync.Mutex // guards what follows
	winners map[int]tidewire.Decision
	told    map[int]map[string]int // by acquisition, how many clients were told a position
}

// holder is the value of a lock.
type holder struct {
	N   int `json:"n"` // the acquisition
	Who int `json:"who"`
}

// TestLocksOfAFleet: of 100 clients on three gateways that want a lock, one is told that it has it, and all are told who that is; readers of every gateway
// are shown the winner alone. Who had the lock before cannot give it back for the next one.
// TIDEWIRE_LOCKS is how often a lock is acquired.
func TestLocksOfAFleet(t *testing.T) {
	rounds := defaultRounds
	if text := os.Getenv("TIDEWIRE_LOCKS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = (n + locksInRound - 1) / locksInRound
	}
	f := startFleet(t, 3, tenant("acme", withLocks))
	c := &lockContest{f: f, winners: map[int]tidewire.Decision{}, told: map[int]map[string]int{}}
	var viewers []*lockViewer
	for i, g := range f.gateways {
		viewers = append(viewers, f.watchLocks(fmt.Sprint("viewer-", i), g.addr))
	}
	f.book.did("viewers are there")
	for i := range lockClients {
		c.clients = append(c.clients, f.user(fmt.Sprint("u", i), f.gateways[i%len(f.gateways)].addr))
	}
	f.book.did("clients are there")
	for round := range rounds {
		c.play(round)
		if round < rounds-1 {
			c.release(round)
		}
		if round == 0 || round%10 == 9 {
			f.book.did("%d locks were acquired", (round+1)*locksInRound)
		}
	}
	for _, v := range viewers {
		await(t, "a viewer has seen all", func() bool { return v.count() >= rounds*locksInRound || t.Failed() })
		c.compare(v, rounds)
	}
	f.book.did("%d locks were acquired, each wanted by %d clients on %d gateways", rounds*locksInRound, lockClients, len(f.gateways))
}

func lockKey(i int) string { return "lock:" + strconv.Itoa(i) }

// play has every client want every lock, and judges what they are told.
func (c *lockContest) play(round int) {
	ctx, cancel := context.WithTimeout(c.f.t.Context(), lockDeadline)
	defer cancel()
	var asking sync.WaitGroup
	for who, client := range c.clients {
		for i := range locksInRound {
			n, key := round*locksInRound+i, lockKey((i+who)%locksInRound)
			n += (i+who)%locksInRound - i
			asking.Go(func() {
				data, _ := json.Marshal(holder{n, who}) // two numbers never fail
				d, err := client.PublishIf(ctx, tidewire.Event{Channel: lockChannel, Key: key, Data: data, TTL: realtime.Duration(lockTTL)}, tidewire.IfAbsent())
				c.heard(n, who, d, err)
			})
		}
	}
	asking.Wait()
	for n := round * locksInRound; n < (round+1)*locksInRound; n++ {
		if told := c.told[n]; len(told) != 1 || told[c.winners[n].Position] != lockClients || c.winners[n].ID == "" {
			c.f.t.Errorf("of lock %d, which %+v has, clients were told %v", n, c.winners[n], told)
		}
	}
}

// heard notes what a client was told.
func (c *lockContest) heard(n, who int, d tidewire.Decision, err error) {
	if err != nil {
		c.f.t.Errorf("client %d, which wants lock %d: %v", who, n, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[n] == nil {
		c.told[n] = map[string]int{}
	}
	c.told[n][d.Position]++
	if d.Applied {
		if first, is := c.winners[n]; is {
			c.f.t.Errorf("lock %d is told to have been won by %s and by %s", n, first.ID, d.ID)
		}
		c.winners[n] = d
	}
}

// release has the locks of a round given back: first in vain, by who had them in the round before, and then by who has them, by way of any gateway.
func (c *lockContest) release(round int) {
	ctx, cancel := context.WithTimeout(c.f.t.Context(), lockDeadline)
	defer cancel()
	var asking sync.WaitGroup
	for i := range locksInRound {
		n := round*locksInRound + i
		asking.Go(func() {
			give := func(at string) (tidewire.Decision, error) {
				return c.clients[n%lockClients].PublishIf(ctx, tidewire.Event{Channel: lockChannel, Key: lockKey(i), Delete: true}, tidewire.IfAt(at))
			}
			if before := c.winners[n-locksInRound].Position; before != "" {
				if d, err := give(before); err != nil || d.Applied || d.Position != c.winners[n].Position {
					c.f.t.Errorf("who had lock %d before gives it back: %+v, %v", n, d, err)
				}
			}
			if d, err := give(c.winners[n].Position); err != nil || !d.Applied {
				c.f.t.Errorf("lock %d, won at %s, is given back: %+v, %v", n, c.winners[n].Position, d, err)
			}
		})
	}
	asking.Wait()
}

// lockViewer reads the channel by way of one gateway.
type lockViewer struct {
	mu   sync.Mutex       // guards what follows
	seen map[int][]string // by acquisition, positions of its values
	n    int
}

func (f *fleet) watchLocks(name, addr string) *lockViewer {
	f.t.Helper()
	sub, err := f.user(name, addr).Subscribe(lockChannel, tidewire.SubscribeOptions{Buffer: 1 << 20, BufferBytes: 256 << 20})
	if err != nil {
		f.t.Fatal(err)
	}
	v, live, once := &lockViewer{seen: map[int][]string{}}, make(chan struct{}), sync.Once{}
	var reading sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	f.t.Cleanup(func() { stop(); reading.Wait() })
	reading.Go(func() {
		for u, err := range sub.Updates(ctx) {
			switch {
			case err != nil:
				if ctx.Err() == nil {
					f.t.Errorf("%s: %v", name, err)
				}
				return
			case u.Kind == tidewire.KindLive:
				once.Do(func() { close(live) })
			case u.Kind != tidewire.KindMessage:
				f.t.Errorf("%s is told %s", name, u.Kind)
			case !u.Message.Deleted:
				v.take(f.t, u.Message)
			}
		}
	})
	<-live
	return v
}

func (v *lockViewer) take(t *testing.T, m *tidewire.Message) {
	var h holder
	if err := json.Unmarshal(m.Data, &h); err != nil || m.Key != lockKey(h.N%locksInRound) {
		t.Errorf("a viewer is shown %s: %v", m.Frame, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[h.N] = append(v.seen[h.N], m.Position)
	v.n++
}

func (v *lockViewer) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.n
}

// compare judges what a viewer was shown: the winners, once each.
func (c *lockContest) compare(v *lockViewer, rounds int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for n := range rounds * locksInRound {
		if got := v.seen[n]; len(got) != 1 || got[0] != c.winners[n].Position {
			c.f.t.Errorf("of lock %d, which %+v has, a viewer was shown %v", n, c.winners[n], got)
		}
	}
	if len(v.seen) != rounds*locksInRound {
		c.f.t.Errorf("a viewer was shown %d locks of %d", len(v.seen), rounds*locksInRound)
	}
}

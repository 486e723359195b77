package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/clients/go/lock"
	"github.com/tidewire/tidewire/realtime"
)

// heldTTL is how long a lock of these tests outlives its holder. A gateway that comes knows the locks when it has heard of as much.
const heldTTL = 5 * time.Second

const heldChannel = "held:board"

func withShortLocks(t *realtime.Tenant) {
	durable := false
	t.Namespaces["held"] = realtime.Namespace{State: &realtime.State{Durable: &durable, TTL: realtime.Duration(heldTTL)}}
}

// TestCutWhileHeld: who has a lock when the gateway is killed to which alone it can connect has lost it when the next one has it; and that one has it when, by the log,
// the lock has ended.
func TestCutWhileHeld(t *testing.T) {
	f := startFleet(t, 2, tenant("acme", withShortLocks))
	ann, bob := f.user("ann", f.gateways[0].addr), f.user("bob", f.gateways[1].addr)
	held, err := lock.Take(t.Context(), ann, heldChannel, "7", lock.Options{TTL: heldTTL})
	if err != nil {
		t.Fatal(err)
	}
	first := held.Position()
	await(t, "the lock is renewed", func() bool { return held.Position() != first || held.Context().Err() != nil })
	if err := context.Cause(held.Context()); err != nil {
		t.Fatal(err)
	}
	f.kill(f.gateways[0])
	next, err := lock.Take(t.Context(), bob, heldChannel, "7", lock.Options{TTL: heldTTL})
	if err != nil {
		t.Fatal(err)
	}
	if held.Held() {
		t.Error("two have the lock")
	}
	<-held.Context().Done()
	if cause := context.Cause(held.Context()); !errors.Is(cause, lock.ErrLost) {
		t.Errorf("its context ended with %v", cause)
	}
	before, err1 := realtime.ParsePosition(held.Position())
	after, err2 := realtime.ParsePosition(next.Position())
	if err := errors.Join(err1, err2); err != nil || after.Time < before.Time+heldTTL.Milliseconds() {
		t.Errorf("the lock was taken at %s, and again at %s: %v", held.Position(), next.Position(), err)
	}
	if err := next.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// guarded is what a lock protects, and who has ever had that.
type guarded struct {
	mu      sync.Mutex // guards what follows
	holders []*lock.Lock
	newest  int64 // of the positions with which it was written, ms
	lost    int
}

// enter is called by who has just got the lock.
func (g *guarded) enter(l *lock.Lock) error {
	at, err := realtime.ParsePosition(l.Position())
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, other := range g.holders {
		if other.Held() && l.Held() {
			return fmt.Errorf("one has had it since %s, and another got it at %s", other.Position(), l.Position())
		}
	}
	if at.Time <= g.newest && l.Held() {
		return fmt.Errorf("got at %s, which is not behind %d", l.Position(), g.newest)
	}
	g.newest = max(g.newest, at.Time)
	g.holders = append(g.holders, l)
	return nil
}

// TestOneHolderWhileGatewaysDie: clients that come back to any gateway take a lock, keep it for a while and give it back or leave it behind, while gateways are killed
// and replaced. Nobody has it while another one has.
func TestOneHolderWhileGatewaysDie(t *testing.T) {
	f := startFleet(t, 3, tenant("acme", withShortLocks))
	g := &guarded{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	for i := range 6 {
		client, random := f.user(fmt.Sprint("u", i), f.front.addr), rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // a test
		running.Go(func() {
			for ctx.Err() == nil {
				l, err := lock.Take(ctx, client, heldChannel, "8", lock.Options{TTL: heldTTL})
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("client %d: %v", i, err)
					}
					return
				}
				if err := g.enter(l); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
				select {
				case <-l.Context().Done():
				case <-time.After(time.Duration(random.IntN(2000)) * time.Millisecond):
				}
				if err := l.Release(context.WithoutCancel(ctx)); err != nil {
					g.mu.Lock()
					g.lost++
					g.mu.Unlock()
				}
			}
		})
	}
	for range 3 {
		for _, p := range f.living()[:1] {
			more := g.count() + 4
			await(t, "the lock goes from hand to hand", func() bool { return g.count() >= more })
			f.kill(p)
			f.addGateway(nil)
		}
	}
	more := g.count() + 6
	await(t, "the lock goes from hand to hand in the end", func() bool { return g.count() >= more })
	stop()
	running.Wait()
	f.book.did("%d had the lock, of which %d lost it or could not say that they gave it back", g.count(), g.lost)
}

func (g *guarded) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.holders)
}

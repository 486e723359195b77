package fleet

import (
	"context"
	"errors"
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

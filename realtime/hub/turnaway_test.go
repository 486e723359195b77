package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// A topic that cannot be followed turns its tenant's clients away at once, each to
// another time, and takes them in again once it can be.
func TestNoRoomToFollow(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]memory.BrokerOptions{
		"the budget is used up": {Streams: 1},
		"there is no topic":     {Topics: func(topic realtime.Topic) bool { return topic != "tw-acme" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, acmeTenant())
				broker := memory.NewBroker(options)
				r.rebase(broker)
				taken, err := broker.Follow(t.Context(), "tw-other", realtime.Following{Instance: "i9", Generation: 1})
				if err != nil {
					t.Fatal(err)
				}
				a, b := r.connect("ann"), r.connect("bob")
				r.subscribe(a, "prices:fx", realtime.Position{}, 0)
				time.Sleep(time.Second)
				synctest.Wait()
				for who, p := range map[string]*page{"ann": a, "bob": b} {
					p.mu.Lock()
					shut := p.shut
					p.mu.Unlock()
					if shut == nil || shut.Code != realtime.CodeUnavailable || shut.RetryAfter <= 0 {
						t.Fatalf("%s was closed with %v", who, shut)
					}
				}
				if err := taken.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.hub.Disconnect(a.conn)
				r.hub.Disconnect(b.conn)
				if options.Streams == 0 {
					return
				}
				c := r.connect("cyd")
				r.subscribe(c, "prices:fx", realtime.Position{}, 0)
				time.Sleep(10 * time.Second)
				r.expect(c, "ok")
			})
		})
	}
}

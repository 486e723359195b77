package hub_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// A hub that goes away lets its topics go while clients still take what they were given: who is in the middle of a state is given the rest of
// it, and never something else.
func TestStateIsGivenAfterItsTopicWasLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := false
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no, TTL: realtime.Duration(time.Hour)}}}
		r := newRig(t, tenant)
		const keys = 50
		keep := r.connect("bob")
		r.subscribe(keep, "fleet:eu", realtime.Position{}, 0)
		a := r.connect("ann")
		a.box.LimitReplays(200) // about one entry at a time
		a.mu.Lock()
		a.stuck = true
		a.mu.Unlock()
		time.Sleep(2 * realtime.MaxUnstoredTTL) // until then, what was before could not be told
		for i := range keys {
			r.publish("fleet:eu", strconv.Itoa(i))
		}
		if err := r.hub.Subscribe(a.conn, hub.SubscribeRequest{ID: "1", Channel: r.channel("fleet:eu"), State: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.hub.Drain(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		a.mu.Lock()
		a.stuck = false
		a.mu.Unlock()
		a.Flush()
		synctest.Wait()
		has, over := map[string]bool{}, false
		for _, f := range a.take() {
			if f.Reset && len(has) > 0 {
				t.Errorf("behind %d keys it is told to forget them", len(has))
			}
			for _, e := range f.Entries {
				has[e.Key] = true
			}
			over = over || f.Type == "snapshot" && !f.More
		}
		if !over || len(has) != keys {
			t.Errorf("it has %d keys, all %t", len(has), over)
		}
	})
}

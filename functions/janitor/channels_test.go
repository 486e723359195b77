package janitor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// told is a ChannelEvents that notes what it is told.
type told []int64

func (o *told) Tell(_ context.Context, events []realtime.ChannelEvent) error {
	for i := range events {
		*o = append(*o, events[i].Sequence())
	}
	return nil
}

// TestVacatesTheDead: what a dead instance has occupied is vacated, what one that lives has is not, and what was left untold is told.
func TestVacatesTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProject()
		p.instance("alive", -10*time.Hour, time.Hour)
		p.instance("dead", time.Hour, 2*time.Hour)
		store, events := memory.NewOccupancies(), &told{}
		for name, instances := range map[string][]string{"board:1": {"dead"}, "board:2": {"dead", "alive"}} {
			c, err := realtime.NewChannel("acme", name)
			if err != nil {
				t.Fatal(err)
			}
			for _, instance := range instances {
				if _, err := store.Occupy(t.Context(), c, instance); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Minute) // nobody has told it
		o := p.options()
		o.Channels, o.Events = store, events
		r := run(t, o)
		if len(*events) != 3 || r.Channels.Held != 2 || r.Channels.Due != 2 || r.Channels.Told != 3 || r.Channels.Lag < 60 {
			t.Errorf("told %v, %+v", *events, r.Channels)
		}
		if r := run(t, o); len(*events) != 3 || r.Channels.Held+r.Channels.Due > 0 {
			t.Errorf("again: told %v, %+v", *events, r.Channels)
		}
	})
}

package hub_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// audience counts the readers of channels.
type audience struct {
	t       *testing.T
	mu      sync.Mutex // guards all below
	readers map[realtime.Channel]int
	joined  int
	obeyed  int
}

func (a *audience) Joined(c realtime.Channel, _ *realtime.Namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers[c]++
	a.joined++
}

func (a *audience) Left(c realtime.Channel) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.readers[c]--; a.readers[c] < 0 {
		a.t.Errorf("%v has %d readers", c, a.readers[c])
	}
	if a.readers[c] == 0 {
		delete(a.readers, c)
	}
}

func (a *audience) Obey(*realtime.Tenant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.obeyed++
}

// TestAudienceCounts: in a world where streams break and are replaced and readers move between them, each reader is told of once, and once that it
// has gone. TIDEWIRE_WORLDS sets how many worlds there are.
func TestAudienceCounts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(trial.Number(t, "TIDEWIRE_WORLDS", 2)) {
		synctest.Test(t, func(t *testing.T) {
			a := &audience{t: t, readers: map[realtime.Channel]int{}}
			w := newWorld(t, 100+seed)
			w.options = func(o *hub.Options) { o.Audience = a }
			w.live(1000)
			w.end()
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.joined == 0 || len(a.readers) > 0 {
				t.Errorf("%d have joined, and are left: %v", a.joined, maps.Collect(maps.All(a.readers)))
			}
		})
	}
}

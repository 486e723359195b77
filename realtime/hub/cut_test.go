package hub_test

import (
	"testing"

	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// The claim of the resume holds too where all that comes is given to one reader at a time, or two, and others have the lock in between.
func TestResumePropertyWithCutFanOuts(t *testing.T) {
	t.Parallel()
	inWorlds(t, trial.Seed(t), 2*trial.Scale(t), func(t *testing.T, seed uint64) {
		w := newWorld(t, seed)
		w.cut = 1 + int(seed%2)
		for _, h := range w.hubs { // which were made before that was known
			h.CutFanOuts(w.cut)
		}
		w.live(1000)
		if c := w.end(); c.Delivered == 0 || c.Resumed == 0 {
			t.Errorf("the world is too quiet to prove anything: %+v", c)
		}
	})
}

package occupancytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// model: some instances get and lose readers at the same time, their calls are cut off, and they die at every point. Whatever they have
// told, each event where it came first, alternates from generation 1 on; at rest the last event is the truth; and of a channel that
// somebody has held all the while nothing was told.
func (h *holds) model() {
	seed := uint64(trial.Seed(h))                                                                                                            //nolint:gosec // it is not negative
	w := &world{holds: h, rand: rand.New(rand.NewPCG(seed, 2)), told: map[string]bool{}, last: map[realtime.Channel]realtime.ChannelEvent{}} //nolint:gosec // it makes a test and keeps no secret
	for i := range 3 {
		w.channels = append(w.channels, channelOf(h.T, "acme", fmt.Sprint("board:", i)))
	}
	for range 2 {
		w.enter()
	}
	for range 30 {
		w.round()
	}
	if len(w.told) < 10 {
		h.Errorf("only %d events were told", len(w.told))
	}
}

// world is some instances, and all that they have told.
type world struct {
	*holds
	rand      *rand.Rand
	channels  []realtime.Channel
	instances []*holder
	entered   int

	mu   sync.Mutex // guards all below
	told map[string]bool
	last map[realtime.Channel]realtime.ChannelEvent
}

// holder is an instance: on which channels it has readers.
type holder struct {
	name    string
	store   realtime.Occupancies
	readers map[realtime.Channel]bool
	dead    bool
}

func (w *world) enter() {
	stores := []realtime.Occupancies{w.store, w.other}
	w.entered++
	w.instances = append(w.instances, &holder{name: fmt.Sprint("i", w.entered), store: stores[w.entered%2], readers: map[realtime.Channel]bool{}})
}

// tell notes what is told, each event where it came first.
func (w *world) tell(events []realtime.ChannelEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		e := &events[i]
		if w.told[e.ID()] {
			continue
		}
		w.told[e.ID()] = true
		last := w.last[e.Channel]
		if e.Sequence() != last.Sequence()+1 || last.Epoch != "" && e.Epoch != last.Epoch {
			w.Errorf("after %+v came %+v", last, e)
		}
		w.last[e.Channel] = *e
	}
}

// round has all instances do something at once, and looks at what has come of it.
func (w *world) round() {
	before := map[realtime.Channel]realtime.ChannelEvent{}
	steady := map[realtime.Channel]bool{} // held by somebody who does nothing
	for _, c := range w.channels {
		before[c] = w.last[c]
	}
	acts := make([]map[realtime.Channel]bool, len(w.instances))
	for n, i := range w.instances {
		acts[n], i.dead = map[realtime.Channel]bool{}, w.rand.IntN(10) == 0
		for _, c := range w.channels {
			acts[n][c] = w.rand.IntN(3) > 0
			steady[c] = steady[c] || !acts[n][c] && i.readers[c] && !i.dead
		}
	}
	var all sync.WaitGroup
	for n, i := range w.instances {
		r := rand.New(rand.NewPCG(w.rand.Uint64(), 3)) //nolint:gosec // as above
		all.Go(func() { w.act(i, acts[n], r) })
	}
	for range 2 { // janitors, while the others are busy
		all.Go(func() { w.settleAll(time.Now().Add(-time.Hour)) })
	}
	all.Wait()
	alive := w.instances[:0]
	for _, i := range w.instances {
		if i.dead {
			w.bury(i)
			continue
		}
		alive = append(alive, i)
	}
	w.instances = alive
	for len(w.instances) < 2+w.rand.IntN(2) {
		w.enter()
	}
	w.settleAll(time.Now().Add(time.Hour))
	for _, c := range w.channels {
		w.rest(c, before[c], steady[c])
	}
}

// rest compares what was told with the truth.
func (w *world) rest(c realtime.Channel, before realtime.ChannelEvent, steady bool) {
	occupied := false
	for _, i := range w.instances {
		occupied = occupied || i.readers[c]
	}
	last := w.last[c]
	if last.Occupied != occupied {
		w.Errorf("%v: occupied is %t, and the last event is %+v", c, occupied, last)
	}
	if steady && last != before {
		w.Errorf("%v was held all the while, and after %+v came %+v", c, before, last)
	}
}

// act has an instance get and lose readers.
func (w *world) act(i *holder, acts map[realtime.Channel]bool, r *rand.Rand) {
	for n := range 2 + r.IntN(4) {
		if i.dead && n == 2 {
			return
		}
		c := w.channels[r.IntN(len(w.channels))]
		if acts[c] {
			i.readers[c] = !i.readers[c]
			w.say(i, c, r, i.dead)
		}
	}
}

// say has an instance tell the store, and others, whether it has readers, until it has come through. One that dies
// stops somewhere on the way.
func (w *world) say(i *holder, c realtime.Channel, r *rand.Rand, dies bool) {
	for {
		if dies && r.IntN(4) == 0 {
			return
		}
		ctx, cancel := w.Context(), context.CancelFunc(func() {})
		if r.IntN(3) == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(3000))*time.Microsecond)
		}
		var events []realtime.ChannelEvent
		var err error
		switch ends := time.Now(); {
		case i.readers[c]:
			events, err = i.store.Occupy(ctx, c, i.name)
		default:
			events, err = i.store.Vacate(ctx, c, i.name, ends.Add(time.Duration(r.IntN(2))*time.Minute))
		}
		cancel()
		if err != nil {
			if w.Context().Err() != nil {
				return
			}
			if r.IntN(4) == 0 {
				i.readers[c] = !i.readers[c] // meanwhile
			}
			continue
		}
		if len(events) > 0 && dies && r.IntN(3) == 0 {
			return
		}
		for k := range events { // it may die after each
			w.tell(events[k : k+1])
			if dies && r.IntN(3) == 0 {
				return
			}
		}
		if len(events) > 0 && i.store.Told(w.Context(), &events[len(events)-1]) != nil {
			continue
		}
		return
	}
}

// bury is the janitor's part for an instance that is dead.
func (w *world) bury(i *holder) {
	for c, err := range w.store.Held(w.Context(), i.name) {
		if err == nil {
			_, err = w.store.Vacate(w.Context(), c, i.name, time.Now())
		}
		if err != nil {
			w.Fatal(err)
		}
	}
}

// settleAll is the janitor's part for channels.
func (w *world) settleAll(now time.Time) {
	for c, err := range w.store.Due(w.Context(), now) {
		var events []realtime.ChannelEvent
		if err == nil {
			events, err = w.store.Settle(w.Context(), c, now)
		}
		if w.tell(events); err == nil && len(events) > 0 {
			err = w.store.Told(w.Context(), &events[len(events)-1])
		}
		if err != nil {
			w.Error(err)
			return
		}
	}
}

package pubsubemulator

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	twinAtMost = 2 * time.Minute
	twinQuiet  = 5 * time.Second // a hundred of the emulator's ticks
)

// twin is what a second subscription beside that of a stream, made a moment later, is for: each brings
// what the other lacks. While there is a twin, a beacon and a fence have come back
// when both have brought them, since only then everything before them has come. What the twin
// brings else is what was published before it was made; newer is the stream's own to bring in order.
type twin struct {
	instance string    // who follows: the beacons and fences of others show it nothing
	until    time.Time // when it was made

	mu   sync.Mutex // guards what follows, and is held until what both agree on has been put
	over bool
	main map[string]realtime.Message // beacons and fences by ID that only the stream's own subscription has brought
	twin map[string]struct{}         // and those that only the twin has
	last time.Time                   // when the twin last brought something of its own
}

func newTwin(instance string, made time.Time) *twin {
	return &twin{instance: instance, until: made, last: made, main: map[string]realtime.Message{}, twin: map[string]struct{}{}}
}

// hold puts what the stream's own subscription has brought.
func (t *twin) hold(b batch, put func(batch) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return put(b)
	}
	passed := b[:0]
	for _, m := range b {
		if _, both := t.twin[m.ID]; !both && t.shows(&m) {
			t.main[m.ID] = m
			continue
		}
		delete(t.twin, m.ID)
		passed = append(passed, m)
	}
	return put(passed)
}

// shows reports whether a message shows who follows that all before it has come. It may come late
// itself: it says no more than it did.
func (t *twin) shows(m *realtime.Message) bool {
	return m.Origin == t.instance && (m.Kind == realtime.KindBeacon || m.Kind == realtime.KindFence)
}

// bring puts what the twin has brought.
func (t *twin) bring(b batch, put func(batch) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	passed := b[:0]
	for _, m := range b {
		switch held, both := t.main[m.ID]; {
		case both && t.shows(&m):
			delete(t.main, m.ID)
			passed = append(passed, held)
		case t.shows(&m):
			t.twin[m.ID] = struct{}{}
		case !m.Time.After(t.until):
			t.last = time.Now()
			passed = append(passed, m)
		}
	}
	return put(passed)
}

// end lets the stream go on alone, with what it has waited for.
func (t *twin) end(put func(batch) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	var held batch
	for _, m := range t.main {
		held = append(held, m)
	}
	t.main, t.twin = nil, nil
	return put(held)
}

// quiet reports whether the twin has brought nothing of its own for a while.
func (t *twin) quiet() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.last) >= twinQuiet
}

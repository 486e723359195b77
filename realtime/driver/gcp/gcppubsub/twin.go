package gcppubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// twin is a second subscription beside that of a stream, made a moment later, for the
// emulator alone, whose new subscriptions lack some of what is published while they are made: each brings
// what the other lacks. While there is a twin, a beacon and a fence have come back
// when both have brought them, since only then everything before them has come. What the twin
// brings else is what was published before it was made; newer is the stream's own to bring in order.
type twin struct {
	name     string
	instance string    // who follows: the beacons and fences of others show it nothing
	until    time.Time // when it was made

	mu   sync.Mutex // guards what follows, and is held until what both agree on has been put
	over bool
	main map[string]realtime.Message // beacons and fences by ID that only the stream's own subscription has brought
	twin map[string]struct{}         // and those that only the twin has
	last time.Time                   // when the twin last brought something of its own
}

func newTwin(name, instance string, made time.Time) *twin {
	return &twin{name: name, instance: instance, until: made, last: made, main: map[string]realtime.Message{}, twin: map[string]struct{}{}}
}

// hold is put for the stream's own subscription.
func (t *twin) hold(put func(context.Context, batch) error) func(context.Context, batch) error {
	if t == nil {
		return put
	}
	return func(ctx context.Context, b batch) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.over || b.err != nil {
			return put(ctx, b)
		}
		passed := b.messages[:0]
		for _, m := range b.messages {
			if _, both := t.twin[m.ID]; !both && t.shows(&m) {
				t.main[m.ID] = m
				continue
			}
			delete(t.twin, m.ID)
			passed = append(passed, m)
		}
		return put(ctx, batch{messages: passed})
	}
}

// endsIfBroken ends the stream where it would be told that a pull was interrupted. The emulator never
// brings again what was under way then, nor what comes later of its keys; following anew does.
func (t *twin) endsIfBroken(put func(context.Context, batch) error) func(context.Context, batch) error {
	if t == nil {
		return put
	}
	return func(ctx context.Context, b batch) error {
		if b.err != nil {
			// What has ended is no ErrBroken, after which a caller would go on.
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the emulator's stream was interrupted", RetryAfter: retryAfter, Err: errors.New(b.err.Error())}
		}
		return put(ctx, b)
	}
}

// shows reports whether a message shows who follows that all before it has come. It may come late
// itself: it says no more than it did.
func (t *twin) shows(m *realtime.Message) bool {
	return m.Origin == t.instance && (m.Kind == realtime.KindBeacon || m.Kind == realtime.KindFence)
}

// bring is put for the twin.
func (t *twin) bring(ctx context.Context, messages []realtime.Message, put func(context.Context, batch) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	passed := messages[:0]
	for _, m := range messages {
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
	return put(ctx, batch{messages: passed})
}

// end lets the stream go on alone, with what it has waited for.
func (t *twin) end(ctx context.Context, put func(context.Context, batch) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	var held []realtime.Message
	for _, m := range t.main {
		held = append(held, m)
	}
	t.main, t.twin = nil, nil
	return put(ctx, batch{messages: held})
}

// quiet reports whether the twin has brought nothing of its own for a while.
func (t *twin) quiet() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.last) >= twinQuiet
}

const (
	twinAtMost = 2 * time.Minute
	twinQuiet  = 5 * time.Second // a hundred of the emulator's ticks
)

// pullTwin brings what the twin is for, and lets it go when no more of that comes.
func (s *stream) pullTwin(ctx context.Context, t *twin) {
	pulling, cancel := context.WithTimeout(ctx, twinAtMost)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		defer cancel()
		for tick := time.NewTicker(twinQuiet / 10); !t.quiet(); {
			select {
			case <-tick.C:
			case <-pulling.Done():
				return
			}
		}
	}()
	err := s.pull(pulling, t.name, func(ctx context.Context, b batch) error {
		if b.err != nil {
			return b.err // the other subscription goes on
		}
		return t.bring(ctx, b.messages, s.put)
	})
	if pulling.Err() == nil {
		s.broker.o.Logger.Warn("the emulator's replay was cut short", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
	cancel()
	<-watching
	if err := t.end(ctx, s.put); err != nil {
		s.broker.o.Logger.Debug("a stream was closed during its replay", realtime.KeyTopic, s.topic)
	}
	deleting, done := context.WithTimeout(context.WithoutCancel(ctx), deleteAfterFailedOpening)
	defer done()
	if err := s.broker.left.let(deleting, t.name); err != nil {
		s.broker.o.Logger.Warn("a subscription was left behind", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
}

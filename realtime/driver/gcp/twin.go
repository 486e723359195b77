package gcp

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// held keeps the beacon of a stream from coming until the twin has brought what the
// stream's own subscription may lack, so that nothing is taken for complete before.
// It is for the emulator alone, and nil elsewhere.
type held struct {
	mu      sync.Mutex // guards what follows
	over    bool
	beacons []realtime.Message
}

func newHeld() *held { return &held{} }

// main puts what the stream's own subscription brings, without beacons while held.
func (h *held) main(put func(context.Context, batch) error) func(context.Context, batch) error {
	if h == nil {
		return put
	}
	return func(ctx context.Context, b batch) error {
		h.mu.Lock()
		if !h.over {
			b.messages = slices.DeleteFunc(b.messages, func(m realtime.Message) bool {
				if m.Kind == realtime.KindBeacon {
					h.beacons = append(h.beacons, m)
				}
				return m.Kind == realtime.KindBeacon
			})
		}
		h.mu.Unlock()
		return put(ctx, b)
	}
}

// release ends the holding and returns what was held.
func (h *held) release() []realtime.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	beacons := h.beacons
	h.beacons = nil
	return beacons
}

const (
	twinAtMost = 8 * time.Second        // less than a Hub waits for a beacon
	twinQuiet  = 400 * time.Millisecond // some of the emulator's ticks of 50 ms
)

// pullTwin brings what the twin has, until it is quiet or brings what is newer than
// itself, and then lets it go.
func (s *stream) pullTwin(ctx context.Context, twin string, h *held) {
	begun := time.Now()
	pulling, cancel := context.WithTimeout(ctx, twinAtMost)
	defer cancel()
	quiet := time.AfterFunc(2*twinQuiet, cancel)
	defer quiet.Stop()
	fresh := false // it has brought what is newer than itself: a few ticks more, and all older has come
	err := s.pull(pulling, twin, func(ctx context.Context, b batch) error {
		if b.err != nil {
			return b.err // the other subscription goes on
		}
		if !fresh {
			quiet.Reset(twinQuiet)
		}
		fresh = fresh || slices.ContainsFunc(b.messages, func(m realtime.Message) bool { return m.Time.After(begun) })
		return s.put(ctx, b)
	})
	if pulling.Err() == nil && err != nil {
		s.broker.o.Logger.Warn("the emulator's replay was cut short", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
	if err := s.put(ctx, batch{messages: h.release()}); err != nil {
		s.broker.o.Logger.Debug("a stream was closed during its replay", realtime.KeyTopic, s.topic)
	}
	deleting, done := context.WithTimeout(context.WithoutCancel(ctx), deleteAfterFailedOpening)
	defer done()
	if err := s.broker.deleteSubscription(deleting, twin); err != nil {
		s.broker.o.Logger.Warn("a subscription was left behind", realtime.KeyTopic, s.topic, realtime.KeyError, err)
	}
}

package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

func frame(kind wire.Type, size int) *queuedFrame {
	return &queuedFrame{ClientFrame: wire.ClientFrame{Type: kind}, size: size}
}

// Frames leave in the order in which they came, and publishes that follow one another together.
func TestQueueKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var q frameQueue
	kinds := []wire.Type{wire.TypePublish, wire.TypePublish, wire.TypeCall, wire.TypePublish, wire.TypeCall, wire.TypeCall}
	for i, kind := range kinds {
		start, refused := q.add(t.Context(), frame(kind, 10), func() {})
		if refused != nil || start != (i == 0) {
			t.Fatalf("frame %d: a worker is to be started: %t, %v", i, start, refused)
		}
	}
	for _, want := range []int{2, 1, 1, 1, 1} {
		if batch, _ := q.next(); len(batch) != want {
			t.Fatalf("%d frames leave together, want %d", len(batch), want)
		}
	}
	if batch, closed := q.next(); batch != nil || closed || q.busy() || q.bytes != 0 {
		t.Errorf("an empty queue has %v, is busy %t, has %d bytes", batch, q.busy(), q.bytes)
	}
}

// A full queue makes the client wait, refuses when no room comes, and lets go when the connection is closed.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		then func(*frameQueue) // a second later
		want time.Duration
		code realtime.Code
	}{
		"no room comes":             {func(*frameQueue) {}, queueWait, realtime.CodeLimited},
		"room comes":                {func(q *frameQueue) { q.next() }, time.Second, ""},
		"the connection is closing": {func(q *frameQueue) { q.refuse() }, time.Second, ""},
		"the connection has ended":  {func(q *frameQueue) { q.close() }, time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var q frameQueue
				for range maxQueued {
					if _, refused := q.add(context.Background(), frame(wire.TypeCall, 1), func() {}); refused != nil {
						t.Fatal(refused)
					}
				}
				began := time.Now()
				time.AfterFunc(time.Second, func() { test.then(&q) })
				_, refused := q.add(context.Background(), frame(wire.TypeCall, 1), func() {})
				code := realtime.Code("")
				if refused != nil {
					code = refused.Code
				}
				if got := time.Since(began); got != test.want || code != test.code {
					t.Errorf("after %v: %v; want %q after %v", got, refused, test.code, test.want)
				}
				if len(q.frames) > maxQueued {
					t.Errorf("%d frames wait", len(q.frames))
				}
				time.Sleep(time.Minute) // nothing is left in the bubble
			})
		})
	}
}

// A publish that was refused bars those behind it: of a client that counts refusals until it shows that it knows, of any other for a while.
func TestRefusedPublishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := realtime.Errorf(realtime.CodeUnavailable, "the broker is down")
		publish := func(channel string, counts bool, seen int64) *wire.ClientFrame {
			return &wire.ClientFrame{Type: wire.TypePublish, Channel: channel, CountsRefusals: counts, Refusals: seen}
		}
		var r refusedPublishes
		if _, number := r.add(publish("a:1", true, 0), "a:1", false, why); number != 1 {
			t.Errorf("the first refusal has the number %d", number)
		}
		for name, test := range map[string]struct {
			frame   *wire.ClientFrame
			queued  bool
			refused bool
		}{
			"it does not know":     {publish("a:1", true, 0), false, true},
			"it knows":             {publish("a:1", true, 1), false, false},
			"another channel":      {publish("a:2", true, 0), false, false},
			"it was queued before": {publish("a:1", true, 0), true, false},
		} {
			got, _ := r.arrives(test.frame)
			if test.queued {
				got = r.comes(test.frame, 0)
			}
			if (got != nil) != test.refused {
				t.Errorf("%s: %v", name, got)
			}
		}
		told, _ := r.add(publish("b:1", false, 0), "b:1", true, why)
		if told.RetryAfter != minRetryAfter || r.comes(publish("b:1", false, 0), 1) == nil {
			t.Errorf("a client that does not count is told %v", told.RetryAfter)
		}
		time.Sleep(minRetryAfter)
		r.reach(2)
		if got, _ := r.arrives(publish("b:1", false, 0)); got != nil {
			t.Errorf("it is still refused: %v", got)
		}
		for i := range maxRefusedChannels + 1 {
			r.add(publish("", true, 0), string(rune('a'+i))+":1", false, why)
		}
		if len(r.all) > maxRefusedChannels {
			t.Errorf("%d channels are remembered", len(r.all))
		}
	})
}

package gcppubsub_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
)

// A stream that is opened while others publish has everything of a channel once a fence
// has come that was sent after its beacon came: on the emulator that takes a twin, since a new subscription
// of its own lacks some of what is published while it is made.
func TestReplayWhileOthersPublish(t *testing.T) {
	t.Parallel()
	b := openBroker(t, emulators.Project(t), gcppubsub.BrokerOptions{})
	emulated := pubsubemulator.NewBroker(b, nil)
	topic := newTopic(t, b)
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	counts := make([]int, 4)
	for p := range counts {
		publishing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					counts[p] = i
					return
				default:
				}
				if err := send(t, b, topic, publication(t, fmt.Sprint("c", p), fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// Each is read at once, as a Hub does: what nobody acknowledges in time comes again.
	ended := make(chan struct{})
	var reading sync.WaitGroup
	for n := range 5 {
		if err := send(t, b, topic, &realtime.Message{Kind: realtime.KindBeacon, Origin: fmt.Sprint("i", n), Publication: realtime.Publication{ID: fmt.Sprint("beacon", n)}}); err != nil {
			t.Fatal(err)
		}
		s, err := emulated.Follow(t.Context(), topic, realtime.Following{Instance: fmt.Sprint("i", n), Generation: 1, Since: time.Now().Add(-time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		reading.Go(func() {
			had := read(t, s, func(had map[string]bool) bool { return had[fmt.Sprint("/beacon", n)] })
			<-ended
			for p := range counts {
				fence := publication(t, fmt.Sprint("c", p), fmt.Sprintf("fence%d of c%d", n, p))
				fence.Kind, fence.Origin = realtime.KindFence, fmt.Sprint("i", n)
				if err := send(t, b, topic, fence); err != nil {
					t.Error(err)
				}
			}
			maps.Copy(had, read(t, s, func(now map[string]bool) bool {
				for p := range counts {
					if !now[fmt.Sprintf("c%d/fence%d of c%d", p, n, p)] {
						return false
					}
				}
				return true
			}))
			missing := 0
			for p, count := range counts {
				for i := range count {
					if !had[fmt.Sprintf("c%d/%d", p, i)] {
						missing++
					}
				}
			}
			if missing > 0 {
				t.Errorf("stream %d lacks %d of %v", n, missing, counts)
			}
		})
	}
	close(stop)
	publishing.Wait()
	close(ended)
	reading.Wait()
	if err := emulated.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// read reads until enough has come, and returns the channel and ID of all.
func read(t *testing.T, s realtime.Stream, enough func(map[string]bool) bool) map[string]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	had := map[string]bool{}
	for !enough(had) {
		messages, err := s.Receive(ctx)
		if errors.Is(err, realtime.ErrBroken) {
			continue // it goes on by itself
		}
		if err != nil {
			t.Errorf("after %d messages: %v", len(had), err)
			return had
		}
		for _, m := range messages {
			had[m.Channel.Name()+"/"+m.ID] = true
		}
	}
	return had
}

// More topics than a gRPC connection has streams.
func TestFollowsManyTopics(t *testing.T) {
	t.Parallel()
	const topics = 130
	project := emulators.Project(t)
	b := openBroker(t, project, gcppubsub.BrokerOptions{PublishTimeout: 4 * patience}) // of a machine that is busy
	emulated := pubsubemulator.NewBroker(b, nil)
	var all sync.WaitGroup
	for n := range topics {
		all.Go(func() {
			topic := realtime.Topic(fmt.Sprint("tw-t", n))
			if err := b.EnsureTopic(t.Context(), topic); err != nil {
				t.Error(err)
				return
			}
			s, err := emulated.Follow(t.Context(), topic, realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
			if err != nil {
				t.Error(err)
				return
			}
			if err := send(t, b, topic, publication(t, "a", fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
			read(t, s, func(had map[string]bool) bool { return had[fmt.Sprintf("a/%d", n)] })
		})
	}
	all.Wait()
	if n := gcppubsub.Lines(b); n < 2 || n > 4 { // while they replay they are twice as many
		t.Errorf("%d streams use %d connections, want 2 to 4", topics, n)
	}
	if err := emulated.Close(context.Background()); err != nil {
		t.Error(err)
	}
	other := openBroker(t, project, gcppubsub.BrokerOptions{})
	for left, err := range other.Subscriptions(t.Context()) {
		t.Errorf("left behind: %+v, %v", left, err)
	}
	if err := other.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

package publish_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
)

// A broker fails at random places, at once and late. Who publishes again what failed, in order and before anything newer of
// its channel, has published everything in order: nothing of a batch is stored ahead of what failed in it.
func TestPublishedInOrderWhateverFails(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 3))
				o := faultybroker.Options{Seed: seed, Refuse: 0.1 * float64(seed%2), RefuseLate: 0.1 * float64(seed/2%2), Disown: 0.1 * float64(seed/4%2)}
				stored := &recorder{}
				broker := faultybroker.New(stored, o)
				defer func() {
					if err := broker.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				p := publish.New(broker, publish.Options{})
				var waiting []realtime.Publication // in order
				sent := map[string][]string{}
				for i := range 1000 {
					pub := publication(t, fmt.Sprint("a:", rng.IntN(3)), strconv.Itoa(i))
					waiting = append(waiting, pub)
					sent[pub.Channel.Name()] = append(sent[pub.Channel.Name()], pub.ID)
				}
				for tries := 0; len(waiting) > 0; tries++ {
					if tries > 10_000 {
						t.Fatalf("%d are still not stored", len(waiting))
					}
					n := min(len(waiting), 1+rng.IntN(20))
					again := unpublished(waiting[:n], p.Publish(context.Background(), acme, waiting[:n]))
					waiting = append(again, waiting[n:]...)
					time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
				}
				for name, want := range sent {
					var got []string
					for _, m := range stored.messages {
						if m.Channel.Name() == name && !slices.Contains(got, m.ID) {
							got = append(got, m.ID)
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s: stored as %v", name, got)
					}
				}
			})
		})
	}
}

// A failure that is told while the next message is being handed over: a broker that has settled all it had before, and the call
// of done has returned, is free to store that message. So the call must not return, or the message must not be handed over.
func TestFailureDuringAHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failed func(error)
		var stored []string
		broker := &recorder{answer: func(m *realtime.Message, done func(error)) {
			if m.ID == "0" {
				failed = done
				return
			}
			told := make(chan struct{})
			go func() {
				failed(&realtime.Error{Code: realtime.CodeUnavailable, Message: "down"})
				close(told)
			}()
			synctest.Wait()
			select {
			case <-told: // the failure is over and forgotten
				stored = append(stored, m.ID)
				done(nil)
			default:
				done(&realtime.Error{Code: realtime.CodeUnavailable, Message: "behind a failure"})
			}
		}}
		pubs := []realtime.Publication{publication(t, "a", "0"), publication(t, "a", "1")}
		err := publish.New(broker, publish.Options{}).Publish(t.Context(), acme, pubs)
		if left := unpublished(pubs, err); len(left) != 2 || len(stored) > 0 {
			t.Errorf("stored %v, and refused %v; want both refused, in order", stored, err)
		}
	})
}

// unpublished returns those that an error of Publish names.
func unpublished(pubs []realtime.Publication, err error) (left []realtime.Publication) {
	if e := (*publish.Error)(nil); errors.As(err, &e) {
		for _, f := range e.Failed {
			left = append(left, pubs[f.Index])
		}
	}
	return left
}

// What fails for good holds up nothing, and what fails on one channel nothing of another.
func TestFailureConcernsItsChannel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		err    error
		failed string
	}{
		{"for good", realtime.Errorf(realtime.CodeTooLarge, "too large"), "[0]"},
		{"for now", &realtime.Error{Code: realtime.CodeUnavailable, Message: "down"}, "[0 2]"},
		{"over a quota", &realtime.Error{Code: realtime.CodeLimited, Limit: "quota", Message: "too many", RetryAfter: 3 * time.Second}, "[0 2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			broker := &recorder{answer: func(m *realtime.Message, done func(error)) {
				if m.ID == "0" {
					done(c.err)
					return
				}
				done(nil)
			}}
			p := publish.New(broker, publish.Options{})
			pubs := []realtime.Publication{publication(t, "a", "0"), publication(t, "b", "1"), publication(t, "a", "2"), publication(t, "b", "3")}
			err := p.Publish(t.Context(), acme, pubs)
			which := []int{}
			for _, f := range err.(*publish.Error).Failed { //nolint:errorlint // by contract
				which = append(which, f.Index)
				if got, want := realtime.CodeOf(f.Err), realtime.CodeOf(c.err); got != want {
					t.Errorf("number %d failed with %s, want %s: %v", f.Index, got, want, f.Err)
				}
			}
			if fmt.Sprint(which) != c.failed {
				t.Errorf("failed: %v, want %s", which, c.failed)
			}
			broker.answer = nil
			if err := p.Publish(t.Context(), acme, []realtime.Publication{publication(t, "a", "4")}); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

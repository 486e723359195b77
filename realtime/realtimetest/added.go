package realtimetest

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// addedCompleteSince: what Add says is never earlier than what comes.
func addedCompleteSince(b *bed) {
	c := b.channel("acme", "prices")
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: time.Now().Add(-time.Minute)})
	b.publish(b.broker, b.topic, event(c, "1"))
	r.pass("beacon")
	begin := time.Now()
	claim := r.add(c, begin)
	switch {
	case claim.IsZero():
		b.Error("it is zero")
	case claim.After(begin.Add(b.harness.Patience + 10*time.Minute)):
		b.Errorf("%v is far in the future", claim)
	}
	r.fence(c, "fence")
	if claim.Before(begin) && len(r.events(c)) == 0 {
		b.Errorf("it is %v, but an event published after that did not come", claim)
	}
}

// endedAdd: Add ends with its context, and with its stream.
func endedAdd(b *bed) {
	r := b.followChannels(realtime.Following{Instance: "i2", Generation: 1, Since: time.Now()})
	ended, cancel := context.WithCancel(b.Context())
	cancel()
	call := func(ctx context.Context) error {
		said := make(chan error, 1)
		go func() {
			_, err := r.channels.Add(ctx, b.channel("acme", "prices"), time.Now())
			said <- err
		}()
		select {
		case err := <-said:
			return err
		case <-time.After(b.harness.Patience):
			return errors.New("it hangs")
		}
	}
	if err := call(ended); err != nil && !errors.Is(err, context.Canceled) && realtime.CodeOf(err) != realtime.CodeUnavailable {
		b.Errorf("a context that has ended: %v", err)
	}
	if err := r.stream.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), b.harness.Patience)
	defer cancel()
	if err := call(ctx); err == nil || err.Error() == "it hangs" {
		b.Errorf("a stream that is closed: %v", err)
	}
}

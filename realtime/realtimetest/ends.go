package realtimetest

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// within fails if f does not return within a second, or a little more on a busy machine.
func (b *bed) within(what string, f func() error) error {
	b.Helper()
	returned := make(chan error, 1)
	begin := time.Now()
	go func() { returned <- f() }()
	select {
	case err := <-returned:
		if took := time.Since(begin); took > 2*time.Second {
			b.Errorf("%s took %v", what, took)
		}
		return err
	case <-time.After(b.harness.Patience):
		b.Fatalf("%s did not end within %v", what, b.harness.Patience)
		return nil
	}
}

// drain reads until an error that ends the stream.
func drain(ctx context.Context, s realtime.Stream) error {
	for {
		if _, err := s.Receive(ctx); err != nil && !errors.Is(err, realtime.ErrBroken) {
			return err
		}
	}
}

// cancelledReceive: ends a Receive that waits, and one that is called afterwards.
func cancelledReceive(b *bed) {
	r := b.first()
	ctx, cancel := context.WithCancel(b.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for _, what := range []string{"a waiting Receive", "a Receive with a cancelled context"} {
		if err := b.within(what, func() error { return drain(ctx, r.stream) }); err == nil {
			b.Errorf("%s returned no error", what)
		}
	}
}

// closeStream: twice, and it ends a Receive that waits.
func closeStream(b *bed) {
	r := b.first()
	time.AfterFunc(50*time.Millisecond, func() {
		if err := r.stream.Close(b.Context()); err != nil {
			b.Errorf("close the stream: %v", err)
		}
	})
	if err := b.within("a Receive of a closed stream", func() error { return drain(b.Context(), r.stream) }); err == nil {
		b.Error("a closed stream returned no error")
	}
	if err := b.within("a second Close", func() error { return r.stream.Close(b.Context()) }); err != nil {
		b.Errorf("close it again: %v", err)
	}
	// The topic can be followed again at once, by the same instance.
	c := b.channel("acme", "prices")
	again := b.follow(b.broker, realtime.Following{Instance: "i1", Generation: 2, Since: time.Now()})
	b.publish(b.broker, b.topic, event(c, "1"))
	again.read(1)
}

// closeBroker: twice, it ends all streams, and nothing is taken afterwards.
func closeBroker(b *bed) {
	r := b.first()
	time.AfterFunc(50*time.Millisecond, func() {
		if err := b.broker.Close(context.Background()); err != nil {
			b.Errorf("close the broker: %v", err)
		}
	})
	if err := b.within("a Receive of a closed broker", func() error { return drain(b.Context(), r.stream) }); err == nil {
		b.Error("a stream of a closed broker returned no error")
	}
	if err := b.within("a second Close", func() error { return b.broker.Close(context.Background()) }); err != nil {
		b.Errorf("close it again: %v", err)
	}
	b.refusal(b.topic, event(b.channel("acme", "prices"), "late"))
	if _, err := b.broker.Follow(b.Context(), b.topic, realtime.Following{Instance: "i1", Generation: 2}); err == nil {
		b.Error("a closed broker could be followed")
	}
}

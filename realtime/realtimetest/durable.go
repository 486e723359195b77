package realtimetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// TestDurable runs the contract of realtime.DurableReader against a driver, whose Brokers are such. Each case has a backend of its
// own and runs in parallel with the others.
func TestDurable(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = defaultPatience
	}
	cases := []struct {
		name     string
		promised bool
		run      func(*durableBed)
	}{
		{"GoesOn", true, (*durableBed).goesOn},
		{"ComesAgain", true, (*durableBed).comesAgain},
		{"AcknowledgesWhatWasReturned", true, (*durableBed).acknowledgesWhatWasReturned},
		{"BeginsWithWhatIsKept", true, (*durableBed).beginsWithWhatIsKept},
		{"Back", true, (*durableBed).back},
		{"ReadingsAreApart", true, (*durableBed).readingsAreApart},
		{"Ends", true, (*durableBed).ends},
		{"OutlivesItsBroker", h.Features.Persistent, (*durableBed).outlivesItsBroker},
		{"Many", true, (*durableBed).many},
		{"TwoAtATime", true, (*durableBed).twoAtATime},
		{"UnknownTopic", h.Features.Topics, (*durableBed).unknownTopic},
		{"Cancelled", true, (*durableBed).cancelled},
	}
	for _, c := range cases {
		if !c.promised {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&durableBed{newBed(t, h)})
		})
	}
}

// durableBed is where one case of TestDurable runs.
type durableBed struct{ *bed }

// read opens a reading of the case's topic.
func (d *durableBed) read(b realtime.Broker, r realtime.Reading) *durable {
	d.Helper()
	reader, ok := b.(realtime.DurableReader)
	if !ok {
		d.Fatalf("a %T is no DurableReader", b)
	}
	s, err := reader.Read(d.Context(), d.topic, r)
	if err != nil {
		d.Fatalf("read %q: %v", r.Name, err)
	}
	return &durable{d, s}
}

// publishes publishes events of a channel with these IDs.
func (d *durableBed) publishes(name string, ids ...string) {
	d.Helper()
	var all []*realtime.Message
	for _, id := range ids {
		all = append(all, event(d.channel("acme", name), id))
	}
	d.publish(d.broker, d.topic, all...)
}

// durable is a stream of a reading.
type durable struct {
	bed    *durableBed
	stream realtime.DurableStream
}

// gets fails unless these come next, of one channel in this order, and repetitions of what came before.
func (r *durable) gets(ids ...string) {
	r.bed.Helper()
	ctx, cancel := context.WithTimeout(r.bed.Context(), r.bed.harness.Patience)
	defer cancel()
	var got []string
	for len(got) < len(ids) {
		batch, err := r.stream.Receive(ctx)
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			r.bed.Fatalf("after %q of %q: %v", got, ids, err)
		}
		for _, m := range batch {
			if !slices.Contains(got, m.ID) {
				got = append(got, m.ID)
			}
		}
	}
	if !slices.Equal(got, ids) {
		r.bed.Errorf("got %q, want %q", got, ids)
	}
}

func (r *durable) ack() {
	r.bed.Helper()
	if err := r.stream.Ack(r.bed.Context()); err != nil {
		r.bed.Fatalf("acknowledge: %v", err)
	}
}

func (r *durable) close() {
	r.bed.Helper()
	for range 2 {
		if err := r.stream.Close(r.bed.Context()); err != nil {
			r.bed.Fatalf("close: %v", err)
		}
	}
}

package occupancytest

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// Test runs the contract of realtime.Occupancies against a driver. Each case has an empty store of its own, which open returns as two processes have
// it, or the same twice, and runs in parallel with the others.
func Test(t *testing.T, open func(t *testing.T) [2]realtime.Occupancies) {
	cases := []struct {
		name string
		run  func(*holds)
	}{
		{"FirstInLastOut", (*holds).firstInLastOut},
		{"Repeated", (*holds).repeated},
		{"ChannelsApart", (*holds).channelsApart},
		{"Told", (*holds).told},
		{"ToldOfAnother", (*holds).toldOfAnother},
		{"Ends", (*holds).ends},
		{"ComesBackInTime", (*holds).comesBackInTime},
		{"AnotherComesInTime", (*holds).anotherComesInTime},
		{"TwoEnd", (*holds).twoEnd},
		{"Held", (*holds).held},
		{"HeldByMany", (*holds).heldByMany},
		{"Due", (*holds).due},
		{"Full", (*holds).full},
		{"Cancelled", (*holds).cancelled},
		{"Model", (*holds).model},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stores := open(t)
			c.run(&holds{T: t, store: stores[0], other: stores[1], c: channelOf(t, "acme", "board:7")})
		})
	}
}

// every returns all that is yielded.
func every(t *testing.T, what string, all iter.Seq2[realtime.Channel, error]) (got []realtime.Channel) {
	t.Helper()
	for c, err := range all {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got = append(got, c)
	}
	return got
}

// holds is where one case of Test runs.
type holds struct {
	*testing.T
	store, other realtime.Occupancies
	c            realtime.Channel
}

func channelOf(t *testing.T, tenant, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// short are events as the tests write them: their numbers, odd ones of occupied.
func short(events []realtime.ChannelEvent) (numbers []int64) {
	for i := range events {
		numbers = append(numbers, events[i].Sequence())
	}
	return numbers
}

// is fails unless a call has returned these events, and returns them.
func (h *holds) is(what string, events []realtime.ChannelEvent, err error, want ...int64) []realtime.ChannelEvent {
	h.Helper()
	if err != nil {
		h.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, short(events)); diff != "" {
		h.Errorf("%s (-want +untold):\n%s", what, diff)
	}
	for i := range events {
		e := &events[i]
		if e.Channel.IsZero() || e.Epoch == "" || e.Time.IsZero() || e.Time.After(time.Now().Add(24*time.Hour)) || e.Occupied != (e.Sequence()%2 == 1) {
			h.Errorf("%s: %+v", what, e)
		}
	}
	return events
}

func (h *holds) occupy(s realtime.Occupancies, instance string, want ...int64) []realtime.ChannelEvent {
	h.Helper()
	events, err := s.Occupy(h.Context(), h.c, instance)
	return h.is("Occupy by "+instance, events, err, want...)
}

func (h *holds) vacate(s realtime.Occupancies, instance string, after time.Duration, want ...int64) []realtime.ChannelEvent {
	h.Helper()
	events, err := s.Vacate(h.Context(), h.c, instance, time.Now().Add(after))
	return h.is("Vacate by "+instance, events, err, want...)
}

func (h *holds) settle(after time.Duration, want ...int64) []realtime.ChannelEvent {
	h.Helper()
	events, err := h.store.Settle(h.Context(), h.c, time.Now().Add(after))
	return h.is("Settle", events, err, want...)
}

func (h *holds) tell(e realtime.ChannelEvent) {
	h.Helper()
	if err := h.store.Told(h.Context(), &e); err != nil {
		h.Fatal(err)
	}
}

// firstInLastOut: of several instances the first occupies, and the last vacates.
func (h *holds) firstInLastOut() {
	h.occupy(h.store, "i1", 1)
	h.occupy(h.other, "i2", 1)
	h.vacate(h.other, "i1", 0, 1)
	h.vacate(h.store, "i2", 0, 1, 2)
	h.vacate(h.store, "i2", 0, 1, 2)
	h.occupy(h.store, "i2", 1, 2, 3)
	h.settle(time.Hour, 1, 2, 3)
}

// repeated: what is said again changes nothing, and the events stay the same.
func (h *holds) repeated() {
	first := h.occupy(h.store, "i1", 1)
	again := h.occupy(h.other, "i1", 1)
	if first[0].ID() != again[0].ID() || !again[0].Time.Truncate(time.Millisecond).Equal(first[0].Time.Truncate(time.Millisecond)) {
		h.Errorf("%+v became %+v", first[0], again[0])
	}
	if first[0].Type() != realtime.ChannelOccupied || first[0].Channel != h.c {
		h.Errorf("%+v", first[0])
	}
	h.vacate(h.store, "nobody", 0, 1)
	h.vacate(h.store, "i1", 0, 1, 2)
	if out := h.vacate(h.store, "i1", time.Hour, 1, 2); out[0].ID() != first[0].ID() || out[1].Type() != realtime.ChannelVacated || out[1].ID() == first[0].ID() {
		h.Errorf("%+v, %+v", out[0], out[1])
	}
}

// channelsApart: channels of other tenants and of odd names have nothing to do with each other.
func (h *holds) channelsApart() {
	all := []realtime.Channel{h.c, channelOf(h.T, "globex", "board:7"), channelOf(h.T, "acme", "board:7/a"), channelOf(h.T, "acme", "__x"), channelOf(h.T, "acme", ".")}
	ids := map[string]bool{}
	for _, c := range all {
		h.c = c
		ids[h.occupy(h.store, "odd/name ü", 1)[0].ID()] = true
	}
	if len(ids) != len(all) {
		h.Errorf("%d identifiers of %d events", len(ids), len(all))
	}
	h.vacate(h.store, "odd/name ü", 0, 1, 2)
	seen := map[realtime.Channel]bool{}
	for _, c := range every(h.T, "Held", h.store.Held(h.Context(), "odd/name ü")) {
		seen[c] = true
	}
	want := map[realtime.Channel]bool{}
	for _, c := range all[:len(all)-1] {
		want[c] = true
	}
	if diff := cmp.Diff(want, seen, cmp.Comparer(func(a, b realtime.Channel) bool { return a == b })); diff != "" {
		h.Errorf("Held (-want +got):\n%s", diff)
	}
}

// told: what has been told, and what came before it, is not returned any more.
func (h *holds) told() {
	h.occupy(h.store, "i1", 1)
	h.vacate(h.store, "i1", 0, 1, 2)
	three := h.occupy(h.store, "i1", 1, 2, 3)
	h.tell(three[1])
	h.settle(0, 3)
	h.tell(three[0])
	h.settle(0, 3)
	h.tell(three[2])
	h.tell(three[2])
	h.settle(0)
	h.vacate(h.other, "i1", 0, 4)
}

// toldOfAnother: what counts is the event, not its number alone.
func (h *holds) toldOfAnother() {
	one := h.occupy(h.store, "i1", 1)[0]
	other := one
	other.Epoch = "another"
	h.tell(other)
	other = one
	other.Channel = channelOf(h.T, "globex", "board:7")
	h.tell(other)
	h.settle(0, 1)
}

// full: a channel of which nothing can be told does not grow for ever, and goes on when it can.
func (h *holds) full() {
	var events []realtime.ChannelEvent
	var err error
	for n := 0; err == nil && n < 2*realtime.MaxUntold; n++ {
		var got []realtime.ChannelEvent
		if n%2 == 0 {
			got, err = h.store.Occupy(h.Context(), h.c, "i1")
		} else {
			got, err = h.store.Vacate(h.Context(), h.c, "i1", time.Now())
		}
		if err == nil {
			events = got
		}
	}
	if realtime.CodeOf(err) != realtime.CodeUnavailable || len(events) != realtime.MaxUntold {
		h.Fatalf("%d events are untold, %v", len(events), err)
	}
	untold, err := h.store.Settle(h.Context(), h.c, time.Now())
	if err != nil || len(untold) != realtime.MaxUntold {
		h.Fatalf("%d events, %v", len(untold), err)
	}
	h.tell(untold[len(untold)-1])
	h.occupy(h.store, "i1", realtime.MaxUntold+1)
}

func (h *holds) cancelled() {
	e := h.occupy(h.store, "i1", 1)[0]
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	if _, err := h.store.Occupy(ctx, h.c, "i2"); err == nil {
		h.Error("Occupy with a cancelled context returned no error")
	}
	if _, err := h.store.Vacate(ctx, h.c, "i1", time.Now()); err == nil {
		h.Error("Vacate with a cancelled context returned no error")
	}
	if err := h.store.Told(ctx, &e); err == nil {
		h.Error("Told with a cancelled context returned no error")
	}
	for what, all := range map[string]iter.Seq2[realtime.Channel, error]{"Held": h.store.Held(ctx, "i1"), "Due": h.store.Due(ctx, time.Now().Add(time.Hour))} {
		var last error
		for _, err := range all {
			last = err
		}
		if last == nil {
			h.Errorf("%s with a cancelled context yields no error", what)
		}
	}
	for _, err := range h.store.Held(h.Context(), "i1") {
		if err != nil {
			h.Error(err)
		}
		break // a loop may end early
	}
}

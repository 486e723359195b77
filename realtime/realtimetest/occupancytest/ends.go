package occupancytest

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// ends: who says when its readers will be gone occupies the channel until then.
func (h *holds) ends() {
	h.occupy(h.store, "i1", 1)
	h.vacate(h.store, "i1", time.Minute, 1)
	h.settle(0, 1)
	h.settle(time.Hour, 1, 2)
	h.occupy(h.store, "i2", 1, 2, 3)
}

// comesBackInTime: it may take that back.
func (h *holds) comesBackInTime() {
	h.occupy(h.store, "i1", 1)
	h.vacate(h.store, "i1", time.Minute, 1)
	h.occupy(h.store, "i1", 1)
	h.settle(time.Hour, 1)
}

// anotherComesInTime: nobody need know of the one that has ended.
func (h *holds) anotherComesInTime() {
	h.occupy(h.store, "i1", 1)
	h.vacate(h.store, "i1", time.Minute, 1)
	h.occupy(h.other, "i2", 1)
	h.settle(time.Hour, 1)
	if left := every(h.T, "Held", h.store.Held(h.Context(), "i1")); len(left) != 0 {
		h.Errorf("it still holds %v", left)
	}
	h.vacate(h.store, "i2", 0, 1, 2)
}

// twoEnd: the channel is occupied until the last one ends.
func (h *holds) twoEnd() {
	h.occupy(h.store, "i1", 1)
	h.occupy(h.store, "i2", 1)
	h.vacate(h.store, "i1", time.Minute, 1)
	h.vacate(h.store, "i2", 2*time.Hour, 1)
	h.settle(time.Hour, 1)
	h.settle(3*time.Hour, 1, 2)
}

// held: those of an instance, and of no other.
func (h *holds) held() {
	of := func(instance string, want ...realtime.Channel) {
		h.Helper()
		got := every(h.T, "Held", h.store.Held(h.Context(), instance))
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			h.Errorf("%s holds %v, want %v", instance, got, want)
		}
	}
	of("i1")
	h.occupy(h.store, "i1", 1)
	h.occupy(h.store, "i10", 1)
	of("i1", h.c)
	of("i", []realtime.Channel{}...)
	h.vacate(h.store, "i1", time.Minute, 1)
	of("i1")
	h.vacate(h.store, "i10", time.Minute, 1)
	of("i10", h.c)
	h.settle(time.Hour, 1, 2)
	of("i10")
}

// heldByMany: what is vacated during the loop leaves out nothing that follows.
func (h *holds) heldByMany() {
	const n = 600 // more than a page of any driver
	calls := make(chan error, 32)
	for i := range n {
		if i >= cap(calls) {
			if err := <-calls; err != nil {
				h.Fatal(err)
			}
		}
		c := channelOf(h.T, "acme", fmt.Sprintf("board:%04d", i))
		go func() {
			_, err := h.store.Occupy(h.Context(), c, "dead")
			calls <- err
		}()
	}
	for range cap(calls) {
		if err := <-calls; err != nil {
			h.Fatal(err)
		}
	}
	seen := map[realtime.Channel]bool{}
	for c, err := range h.store.Held(h.Context(), "dead") {
		if err != nil {
			h.Fatal(err)
		}
		if seen[c] {
			h.Errorf("%v is yielded twice", c)
		}
		seen[c] = true
		if _, err := h.other.Vacate(h.Context(), c, "dead", time.Now()); err != nil {
			h.Fatal(err)
		}
	}
	if len(seen) != n {
		h.Errorf("%d were yielded of %d", len(seen), n)
	}
}

// due: what has been untold for long, or was to end.
func (h *holds) due() {
	is := func(after time.Duration, want int) {
		h.Helper()
		if got := every(h.T, "Due", h.store.Due(h.Context(), time.Now().Add(after))); len(got) != want {
			h.Errorf("%v are due, want %d", got, want)
		}
	}
	is(time.Hour, 0)
	e := h.occupy(h.store, "i1", 1)[0]
	is(0, 0)
	is(realtime.TellWithin+time.Second, 1)
	h.tell(e)
	is(time.Hour, 0)
	h.vacate(h.store, "i1", time.Minute)
	is(0, 0)
	is(time.Hour, 1)
	h.tell(h.settle(time.Hour, 2)[0])
	is(24*time.Hour, 0)
}

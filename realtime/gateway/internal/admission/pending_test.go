package admission

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// waiter is a client that waits.
type waiter struct{ n int }

func (*waiter) Evict() {}

// Whoever comes and goes: nobody waits above the bounds, who loses a place is the oldest of its address, and of an address
// that has the most.
func TestPending(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	p := newPending()
	model := map[string][]Evictable{}
	count := func() (n int) {
		for _, all := range model {
			n += len(all)
		}
		return n
	}
	for n := range 5000 {
		// A few addresses that hold many, and many that hold one.
		address := fmt.Sprintf("10.0.0.%d", rng.IntN(6))
		if rng.IntN(10) == 0 {
			address = fmt.Sprintf("10.1.%d.%d", rng.IntN(256), rng.IntN(256))
		}
		if all := model[address]; len(all) > 0 && rng.IntN(3) == 0 {
			s := all[rng.IntN(len(all))]
			if !p.remove(s, address) || p.remove(s, address) {
				t.Fatal("a client that waits is not known, or still after it has gone")
			}
			if model[address] = slices.DeleteFunc(all, func(o Evictable) bool { return o == s }); len(model[address]) == 0 {
				delete(model, address)
			}
			continue
		}
		most, full := 0, count() >= maxPending
		for _, all := range model {
			most = max(most, len(all))
		}
		s := &waiter{n: n}
		evicted := p.add(s, address)
		if want := full || len(model[address]) >= maxPendingAddress; want != (evicted != nil) {
			t.Fatalf("one more of %d, %d at its address: evicted %t", count(), len(model[address]), evicted != nil)
		}
		for a, all := range model {
			if i := slices.Index(all, evicted); evicted != nil && i >= 0 {
				if i > 0 || a != address && len(all) < most {
					t.Fatalf("the number %d of %d lost its place, where others have %d", i, len(all), most)
				}
				model[a] = all[1:]
			}
		}
		model[address] = append(model[address], s)
		if p.count != count() || p.count > maxPending || len(p.waiting[address]) > maxPendingAddress {
			t.Fatalf("%d wait, %d of one address; want %d", p.count, len(p.waiting[address]), count())
		}
	}
	for a, all := range model {
		for _, s := range all {
			p.remove(s, a)
		}
	}
	if len(p.waiting) > 0 || p.count != 0 {
		t.Errorf("%d are left of nobody", len(p.waiting))
	}
}

func TestSlots(t *testing.T) {
	t.Parallel()
	slots := make(Slots, 3)
	for range 3 {
		if !slots.Take() {
			t.Fatal("too few get a slot")
		}
	}
	if slots.Take() {
		t.Error("too many get a slot")
	}
	slots.Free()
	if !slots.Take() {
		t.Error("a slot that has become free is not given again")
	}
}

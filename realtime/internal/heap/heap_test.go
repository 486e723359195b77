package heap

import (
	"math/rand/v2"
	"testing"
)

type thing struct{ key, place int }

// FuzzHeap compares a Heap with a look at all that was put in.
func FuzzHeap(f *testing.F) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 5))
		steps := make([]byte, 600)
		for i := range steps {
			steps[i] = byte(r.UintN(256))
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		h := Heap[int, *thing]{Less: func(a, b int) bool { return a < b }, Place: func(x *thing) *int { return &x.place }}
		all := make([]*thing, 20)
		for i := range all {
			all[i] = &thing{key: -1}
		}
		for ; len(steps) >= 2; steps = steps[2:] {
			x := all[int(steps[0]>>1)%len(all)]
			if steps[0]&1 == 0 {
				x.key = int(steps[1])
				h.Set(x, x.key)
			} else {
				x.key = -1
				h.Remove(x)
			}
			in, least := 0, 1000
			for _, have := range all {
				if (have.place > 0) != (have.key >= 0) {
					t.Fatalf("%+v", have)
				}
				if have.key >= 0 {
					in++
					least = min(least, have.key)
				}
			}
			if h.Len() != in {
				t.Fatalf("%d are in, want %d", h.Len(), in)
			}
			if in > 0 {
				if key, first := h.First(); key != least || first.key != least {
					t.Fatalf("the first has %d, want %d", key, least)
				}
			}
		}
	})
}

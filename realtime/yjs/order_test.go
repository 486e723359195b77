package yjs

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// Whatever comes in whatever order, again, and with whatever room: all of it is let through, without a hole as long as there is room, and nothing is counted as held in the
// end.
func TestOrderLetsAllThrough(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		var all []*Update
		for client := range uint64(1 + r.IntN(4)) {
			for clock := uint64(0); clock < 60; {
				n := 1 + r.IntN(6)
				all = append(all, text(client, clock, "abcdef"[:n]))
				clock += uint64(n)
			}
		}
		all = append(all, all[r.IntN(len(all))], Merge(all[:r.IntN(len(all))]), deletion(1, 3, 5))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		want, has := newKnown(), newKnown()
		o, most := order{}, []int{0, 400, 1 << 20}[seed%3]
		for _, u := range all {
			want.add(u)
			has.add(o.let(u, true, most))
			if o.size > most {
				t.Fatalf("seed %d: %d bytes are held, of %d", seed, o.size, most)
			}
			for client, spans := range has.edits {
				if most > 1<<10 && (len(spans) != 1 || spans[0].from != 0) {
					t.Fatalf("seed %d: the edits of %d are let through with a hole: %v", seed, client, spans)
				}
			}
		}
		has.add(o.rest())
		if !reflect.DeepEqual(has, want) || o.size != 0 {
			t.Fatalf("seed %d: %v was let through of %v, and %d bytes are counted", seed, has, want, o.size)
		}
	}
}

package line_test

import (
	linked "container/list"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime/internal/line"
)

type item struct{ place *linked.Element }

// It is compared with a slice, and the number of those in it that are placed.
func TestLine(t *testing.T) {
	t.Parallel()
	l := line.Line[*item]{Place: func(i *item) **linked.Element { return &i.place }}
	random := rand.New(rand.NewPCG(1, 2))
	var all []*item
	placed := 0 // -1: nothing is to be placed
	first := func(of []*item) *item {
		if len(of) == 0 {
			return nil
		}
		return of[0]
	}
	for range 10_000 {
		switch random.IntN(8) {
		case 0, 1, 2:
			i := &item{}
			l.Add(i)
			if all = append(all, i); placed == len(all)-1 {
				placed = len(all) // what comes later need not be placed
			}
		case 3, 4:
			if len(all) == 0 {
				continue
			}
			n := random.IntN(len(all))
			l.Remove(all[n])
			if all = slices.Delete(all, n, n+1); n < placed {
				placed--
			}
		case 5:
			if l.Replace(); true {
				placed = 0
			}
		case 6, 7:
			if placed < len(all) {
				l.Placed()
				placed++
			}
		}
		if l.First() != first(all) || l.Unplaced() != first(all[min(placed, len(all)):]) {
			t.Fatalf("%d in line, %d placed: the first or the next to be placed is another", len(all), placed)
		}
	}
}

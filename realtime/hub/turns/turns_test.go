package turns

import (
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whoever always has something is given as many bytes as whoever else does, however large their frames are, and however little room there is at a
// time; who has little is given all of it.
func TestTurnsAreFair(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		quantum := 256 + r.IntN(4000)
		frames := []int{50 + r.IntN(200), 50 + r.IntN(5000), 50 + r.IntN(20000)}
		var all Turns[int]
		var given uint64
		had := make([]int, len(frames))
		most := quantum
		for i, n := range frames {
			most = max(most, n)
			all.Wait(i, given, quantum)
		}
		for range 1000 {
			for room := 1 + r.IntN(2*quantum); room > 0; {
				who, ok := all.Next(given, quantum)
				if !ok {
					t.Fatal("nobody waits")
				}
				room -= frames[who]
				given += uint64(frames[who])
				had[who] += frames[who]
				all.Wait(who, given, quantum)
			}
		}
		for i, n := range had {
			if apart := max(n-had[0], had[0]-n); apart > 2*(most+quantum) {
				t.Errorf("seed %d: frames of %v, turns of %d: %v bytes were given, %d is %d away", seed, frames, quantum, had, i, apart)
			}
		}
		all.Drop(1, given)
		all.Drop(0, given)
		if who, ok := all.Next(given, quantum); !ok || who != 2 || all.Len() != 1 {
			t.Errorf("%d is the only one", who)
		}
		all.Drop(2, given)
		if _, ok := all.Next(given, quantum); ok || len(all.debts) > 0 {
			t.Error("somebody is left")
		}
	}
}

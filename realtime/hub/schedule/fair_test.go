package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// maxFlush is the most that a flush of these tests writes, as charged.
const maxFlush = 70<<10 + writeCharge

// Tenants that are always behind are written to by their weights: at no moment does what two of them have had, for each unit of
// weight, differ by more than two quanta and the largest flush.
func TestWeights(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { t.Parallel(); weigh(t, seed) })
	}
}

func FuzzWeights(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(weigh)
}

func weigh(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	s := New(1)
	tenants := make([]struct {
		weight, had int
		conns       []*Connection
	}, 2+r.IntN(4))
	total, worst := 0, 0.0
	most := 200 * maxFlush
	for i := range tenants {
		x := &tenants[i]
		x.weight = 1 + r.IntN(10)
		of := s.Join(fmt.Sprint(i), x.weight)
		size := 1 + r.IntN(maxFlush-writeCharge)
		for range 1 + r.IntN(60) {
			c, before := newClient(t, of), int64(0)
			c.during = func() {
				x.had += int(c.written.Load()-before) + writeCharge
				before = c.written.Load()
				if total += size; total > most {
					return
				}
				for j := range tenants {
					other := &tenants[j]
					worst = max(worst, math.Abs(float64(x.had)/float64(x.weight)-float64(other.had)/float64(other.weight)))
				}
				c.queue(1 + r.IntN(size)) // it is behind again before it has been flushed
			}
			c.queue(1 + r.IntN(size))
			x.conns = append(x.conns, &c.Connection)
		}
	}
	s.mu.Lock()
	s.running = 1 // nothing is flushed before all have been handed over
	s.mu.Unlock()
	src := &Source{}
	for i := range tenants {
		for from := 0; from < len(tenants[i].conns); { // in fan-outs of several sizes
			to := min(len(tenants[i].conns), from+1+r.IntN(40))
			s.Flush(src, tenants[i].conns[from:to])
			from = to
		}
	}
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bound := float64(2*quantum + maxFlush); worst > bound {
		t.Errorf("what two tenants have had differs by %.0f bytes for a unit of weight, at most %.0f are allowed", worst, bound)
	}
	for i, x := range tenants {
		t.Logf("tenant %d of weight %d with %d connections: %d bytes", i, x.weight, len(x.conns), x.had)
	}
}

// A tenant that asks for little has its turn within one round: meanwhile each of the others, which are always behind, has one turn
// at most.
func TestNobodyWaitsForMoreThanARound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := New(1)
		var loud []*loudTenant
		quiet, src := newClient(t, s.Join("quiet", 1)), &Source{}
		rounds, flushes := 0, 0
		quiet.during = func() {
			rounds++
			for _, x := range loud {
				if most := quantum*x.weight + maxFlush; x.had-x.before > most {
					t.Errorf("seed %d: %d bytes of another were written first, at most %d are one turn", seed, x.had-x.before, most)
				}
			}
		}
		handsOver := func() {
			if flushes++; flushes%50 > 0 || !quiet.queue(100) {
				return // it waits still
			}
			for _, x := range loud {
				x.before = x.had
			}
			s.Flush(src, []*Connection{&quiet.Connection})
		}
		s.mu.Lock()
		s.running = 1
		s.mu.Unlock()
		for range 1 + r.IntN(4) {
			x := &loudTenant{weight: 1 + r.IntN(3)}
			loud = append(loud, x)
			of := s.Join(fmt.Sprint(len(loud), x.weight), x.weight)
			for range 60 {
				c, last := newClient(t, of), int64(0)
				c.during = func() {
					x.had += int(c.written.Load()-last) + writeCharge
					last = c.written.Load()
					handsOver()
					if flushes < 5000 {
						c.queue(1 + r.IntN(maxFlush-writeCharge))
					}
				}
				c.queue(1)
				s.Flush(src, []*Connection{&c.Connection})
			}
		}
		s.mu.Lock()
		s.end()
		s.mu.Unlock()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rounds < 50 {
			t.Errorf("it was written to %d times", rounds)
		}
	}
}

type loudTenant struct{ weight, had, before int }

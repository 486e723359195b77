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
	if err := s.Wait(t.Context(), src); err != nil {
		t.Fatal(err)
	}
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

// crowd are tenants that are always behind, until enough has been flushed.
type crowd struct {
	s       *Scheduler
	tenants []*loudTenant
	flushes int
	enough  int
	during  func() // each flush
	source  Source
}

type loudTenant struct{ weight, had, before int }

func newCrowd(t *testing.T, r *rand.Rand, enough int, during func()) *crowd {
	l := &crowd{s: New(1), enough: enough, during: during}
	l.s.mu.Lock()
	l.s.running = 1
	l.s.mu.Unlock()
	for i := range 1 + r.IntN(4) {
		x := &loudTenant{weight: 1 + r.IntN(3)}
		l.tenants = append(l.tenants, x)
		of := l.s.Join(fmt.Sprint(i), x.weight)
		var conns []*Connection
		for range 60 {
			c, last := newClient(t, of), int64(0)
			c.during = func() {
				x.had += int(c.written.Load()-last) + writeCharge
				last = c.written.Load()
				l.during()
				if l.flushes++; l.flushes < l.enough {
					c.queue(1 + r.IntN(maxFlush-writeCharge))
				}
			}
			c.queue(1)
			conns = append(conns, &c.Connection)
		}
		l.s.Flush(&l.source, conns)
	}
	return l
}

// run lets the crowd be flushed.
func (l *crowd) run(t *testing.T) {
	t.Helper()
	l.s.mu.Lock()
	l.s.end()
	l.s.mu.Unlock()
	if err := l.s.Wait(t.Context(), &l.source); err != nil {
		t.Fatal(err)
	}
	if err := l.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A tenant that asks for little has its turn within one round: meanwhile each of the others, which are always behind, has one turn
// at most.
func TestNobodyWaitsForMoreThanARound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var quiet []*client
		src, rounds := &Source{}, 0
		var l *crowd
		l = newCrowd(t, r, 5000, func() {
			if l.flushes%200 > 0 || left(quiet) > 0 {
				return // it waits still
			}
			for _, x := range l.tenants {
				x.before = x.had
			}
			var conns []*Connection
			for _, c := range quiet { // too many to be written out of turn
				if c.queue(1) {
					conns = append(conns, &c.Connection)
				}
			}
			l.s.Flush(src, conns)
		})
		of := l.s.Join("quiet", 3)
		for range atOnceBusy + 1 {
			c := newClient(t, of)
			c.during = func() {
				rounds++
				for _, x := range l.tenants {
					if most := quantum*x.weight + maxFlush; x.had-x.before > most {
						t.Errorf("seed %d: %d bytes of another were written first, at most %d are one turn", seed, x.had-x.before, most)
					}
				}
			}
			quiet = append(quiet, c)
		}
		l.run(t)
		if rounds < 20*len(quiet) {
			t.Errorf("it was written to %d times", rounds)
		}
	}
}

// A tenant for which nothing waits has little written at once, but no more than its share, however often it asks.
func TestCredit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		var often *client
		src, had, direct := &Source{}, 0, 0
		var l *crowd
		l = newCrowd(t, r, 5000, func() {
			if !often.queue(500) {
				return
			}
			before := often.flushes.Load()
			l.s.Flush(src, []*Connection{&often.Connection})
			direct += int(often.flushes.Load() - before)
		})
		often = newClient(t, l.s.Join("often", 1))
		often.during = func() {
			had += 500 + writeCharge
			for _, x := range l.tenants {
				if l.flushes < l.enough && had > x.had/x.weight+3*quantum+maxFlush {
					t.Errorf("seed %d: it has had %d bytes, another %d with weight %d", seed, had, x.had, x.weight)
				}
			}
		}
		l.run(t)
		if direct < 50 {
			t.Errorf("seed %d: it was written to at once %d times", seed, direct)
		}
	}
}

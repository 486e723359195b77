package schedule

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// What has been queued for a connection before it is handed over is written, whoever hands over what meanwhile; no connection is
// flushed twice at a time, no more than the workers flush at once, and After comes after all that it is to come after.
func TestAllIsFlushed(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2, 5} {
		for seed := range uint64(8) {
			race(t, workers, seed)
		}
	}
}

func FuzzAllIsFlushed(f *testing.F) {
	f.Add(uint8(2), uint64(1))
	f.Fuzz(func(t *testing.T, workers uint8, seed uint64) { race(t, int(workers%8), seed) })
}

// race has several goroutines hand over connections at random, each from a Source of its own.
func race(t *testing.T, workers int, seed uint64) {
	t.Helper()
	const holders = 3
	s := New(workers)
	var at atomic.Int64
	var all []*client
	for i := range 4 {
		tenant := s.Join(strconv.Itoa(i), 1+rand.New(rand.NewPCG(seed, 9)).IntN(5))
		for range 50 {
			c := newClient(t, tenant)
			c.during = func() {
				if n := at.Add(1); n > int64(max(workers, 1)+holders) {
					t.Errorf("%d are flushed at once by %d workers and %d who hand over", n, workers, holders)
				}
				at.Add(-1)
			}
			all = append(all, c)
		}
	}
	var handing sync.WaitGroup
	var promised, kept atomic.Int64
	for h := range holders {
		handing.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(h)))
			src := &Source{}
			for range 60 {
				tenant := r.IntN(4)
				var conns []*Connection
				for range r.IntN(90) {
					if c := all[tenant*50+r.IntN(50)]; c.queue(1 + r.IntN(3000)) {
						conns = append(conns, &c.Connection)
					}
				}
				mine := make([]int64, len(conns))
				for i, c := range conns {
					mine[i] = c.flusher.(*client).flushes.Load()
				}
				s.Flush(src, conns)
				if r.IntN(4) > 0 {
					continue
				}
				promised.Add(1)
				s.After(src, func() {
					kept.Add(1)
					for i, c := range conns {
						if c.flusher.(*client).flushes.Load() == mine[i] {
							t.Error("after comes before a flush")
						}
					}
				})
			}
		})
	}
	handing.Wait()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := left(all); n > 0 {
		t.Errorf("seed %d: %d bytes are left", seed, n)
	}
	if promised.Load() != kept.Load() {
		t.Errorf("%d of %d promises are kept", kept.Load(), promised.Load())
	}
	if s.waiting != 0 || s.running != 0 || s.ring.active != 0 || s.ring.turn != nil {
		t.Errorf("seed %d: at the end %d wait, %d run, %d tenants are active", seed, s.waiting, s.running, s.ring.active)
	}
}

// Who hands over a fan-out to many goes on while it is being written, and what comes for one other connection is written meanwhile. A
// Flush that does not return stands for whatever takes long.
func TestNobodyWaitsForAFanOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(2)
		tenant, src := s.Join("acme", 1), &Source{}
		free, order := make(chan struct{}), make(chan string, 10_001)
		many := make([]*Connection, 10_000)
		for i := range many {
			c := newClient(t, tenant)
			c.during = func() { <-free; order <- "many" }
			c.queue(1)
			many[i] = &c.Connection
		}
		one := newClient(t, tenant)
		one.during = func() { order <- "one" }
		s.mu.Lock()
		s.running = 2 // all processors are busy
		s.mu.Unlock()
		s.Flush(src, many)
		one.queue(1)
		s.Flush(src, []*Connection{&one.Connection})
		s.mu.Lock()
		s.end()
		s.end()
		s.mu.Unlock()
		before := 0
		for what := "many"; what == "many"; before++ {
			synctest.Wait()
			select {
			case free <- struct{}{}: // lets one of the many be written
				what = <-order
			default:
				what = <-order
			}
		}
		if before > 2*share+2 {
			t.Errorf("the one is written after %d of the many", before-1)
		}
		close(free)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// After the end, what is handed over is flushed by the caller. The end waits for a flush that is under way, no longer than ctx.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(1)
		tenant, src := s.Join("acme", 1), &Source{}
		free := make(chan struct{})
		slow := newClient(t, tenant)
		var others []*client
		var conns []*Connection
		for range atOnceBusy + 1 {
			c := newClient(t, tenant)
			c.queue(1)
			others, conns = append(others, c), append(conns, &c.Connection)
		}
		slow.during = func() { <-free }
		slow.queue(1)
		go s.Flush(src, []*Connection{&slow.Connection})
		synctest.Wait()
		s.Flush(src, conns)
		if left(others) == 0 {
			t.Error("there was room for two")
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Wait(gone, src); err == nil {
			t.Error("it has not been flushed")
		}
		if err := s.Close(gone); err == nil {
			t.Error("it does not wait for the flush")
		}
		close(free)
		for range 2 {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if left(others) > 0 {
			t.Error("it does not wait for what was handed over")
		}
		var late []*Connection
		for range 300 {
			c := newClient(t, tenant)
			c.queue(1)
			late = append(late, &c.Connection)
		}
		s.Flush(src, late)
		for _, c := range late {
			if c.flusher.(*client).queued.Load() > 0 {
				t.Fatal("not flushed by the caller")
			}
		}
		if err := s.Wait(gone, src); err != nil {
			t.Error(err)
		}
	})
}

// A connection that is marked while it is flushed is flushed again.
func TestMarkedMeanwhile(t *testing.T) {
	t.Parallel()
	s := New(1)
	c := newClient(t, s.Join("acme", 1))
	c.during = func() {
		c.during = nil
		if c.queue(1) {
			t.Error("it is to be handed over")
		}
	}
	if !c.queue(1) || c.queue(1) {
		t.Fatal("it has to be handed over once")
	}
	s.Flush(&Source{}, []*Connection{&c.Connection})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := c.flushes.Load(); n != 2 || c.queued.Load() != 0 {
		t.Errorf("it is flushed %d times", n)
	}
}

// A tenant is one for all of its connections, and forgotten with the last.
func TestTenantsAreForgotten(t *testing.T) {
	t.Parallel()
	s := New(1)
	a, b := newClient(t, s.Join("acme", 3)), newClient(t, s.Join("acme", 1))
	if a.Tenant() != b.Tenant() || a.Tenant().weight != 3 {
		t.Error("it is not one tenant of the weight that the first said")
	}
	s.Leave(&a.Connection)
	if again := s.Join("acme", 1); again != b.Tenant() {
		t.Error("it is forgotten too early")
	}
	s.Leave(&b.Connection)
	s.Leave(&b.Connection)
	if len(s.tenants) > 0 {
		t.Error("it is not forgotten")
	}
}

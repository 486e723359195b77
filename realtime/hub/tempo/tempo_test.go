package tempo_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/tempo"
)

// A client that takes nothing is slowed down to the floor and no further; one that keeps up again has its rate back. It is told at most every
// five seconds.
func TestTempo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		rules realtime.Namespace
		least float64
	}{
		{"by itself", realtime.Namespace{}, 0.5},
		{"by its rules", realtime.Namespace{Rate: &realtime.Rate{Min: 2}}, 2},
		{"no floor above the rate", realtime.Namespace{Rate: &realtime.Rate{Min: 20}}, 8},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_800_000_000, 0)
			p := tempo.Tempo{}
			p.Grant(8, now)
			p.Floor(&c.rules)
			told, rate := time.Time{}, 8.0
			step := func(taken bool) {
				t.Helper()
				now = p.Next()
				if p.Due(taken, now) {
					if now.Sub(told) < 5*time.Second {
						t.Errorf("told again after %v", now.Sub(told))
					}
					told = now
				}
				if taken {
					p.Flushed(now)
				}
				if want := now.Add(time.Duration(float64(time.Second) / p.Effective())); !p.Next().Equal(want) {
					t.Errorf("next at %v, want %v", p.Next(), want)
				}
				if e := p.Effective(); e < c.least || e > 8 || e < rate/2 || e > rate*2 {
					t.Errorf("the rate goes from %v to %v", rate, e)
				}
				rate = p.Effective()
			}
			for range 60 {
				step(false)
			}
			if rate != c.least || p.Granted() != 8 {
				t.Errorf("slowed to %v of %v, want %v", rate, p.Granted(), c.least)
			}
			for begun := now; now.Sub(begun) < 2*time.Minute; {
				step(true)
			}
			if rate != 8 {
				t.Errorf("the rate has come back to %v", rate)
			}
		})
	}
}

// Without a rate the reader waits for what it is told to wait for.
func TestTempoWithoutRate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	p := tempo.Tempo{}
	p.Flushed(now)
	if !p.Next().IsZero() || p.Effective() != 0 {
		t.Errorf("next at %v, rate %v", p.Next(), p.Effective())
	}
	p.Wait(now)
	if !p.Next().Equal(now) {
		t.Errorf("next at %v", p.Next())
	}
	p.Grant(1, now)
	p.Wait(now.Add(time.Hour))
	if !p.Next().Equal(now) {
		t.Errorf("with a rate: next at %v", p.Next())
	}
}

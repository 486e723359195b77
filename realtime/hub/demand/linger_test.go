package demand

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// look is what there was to be read when a Tally counted.
type look struct {
	at      time.Time
	readers []Reader // that are not paused
}

// street is an Owner with one channel, that remembers every look at it.
type street struct {
	c       realtime.Channel
	readers []Reader
	looks   []look
	shown   map[string]json.RawMessage
}

func (s *street) Channels(string, string) iter.Seq[realtime.Channel] {
	return slices.Values([]realtime.Channel{s.c})
}

func (s *street) Readers(realtime.Channel) iter.Seq[Reader] {
	s.looks = append(s.looks, look{time.Now(), slices.DeleteFunc(slices.Clone(s.readers), func(r Reader) bool { return r.Paused })})
	return slices.Values(s.readers)
}

func (s *street) Put(realtime.Channel, string, json.RawMessage) {}

func (s *street) Changed(_ realtime.Channel, key string, value json.RawMessage) {
	if s.shown[key] = value; value == nil {
		delete(s.shown, key)
	}
}

// wanted is what has to be shown: what is read, and what was until less than Linger ago. It looks through all looks there ever were.
func (s *street) wanted(now time.Time) (is bool, keys []string, rate float64) {
	all, bounded, set := false, true, map[string]bool{}
	for i, l := range s.looks {
		if i+1 < len(s.looks) && !now.Before(s.looks[i+1].at.Add(Linger)) {
			continue // what was read then was found to have gone for so long
		}
		for _, r := range l.readers {
			is, all, bounded = true, all || r.Keys == nil, bounded && r.MaxRate > 0
			rate = max(rate, r.MaxRate)
			for _, k := range r.Keys {
				set[k] = true
			}
		}
	}
	if !bounded {
		rate = 0
	}
	if !all {
		keys = slices.Sorted(maps.Keys(set))
		keys = append([]string{}, keys...)
	}
	return is, keys, rate
}

// TestWhatWasWantedLingers: a channel, each key, all keys, and the fastest rate are shown for ten seconds after the last reader who wanted them, whoever else reads, and
// not for longer.
func TestWhatWasWantedLingers(t *testing.T) {
	t.Parallel()
	seed := trial.Seed(t)
	for i := range 30 * trial.Scale(t) {
		t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { wander(t, rand.New(rand.NewPCG(uint64(seed+i), 3))) })
		})
	}
}

func wander(t *testing.T, random *rand.Rand) {
	c, err := realtime.NewChannel("acme", "sensors:1")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := realtime.NewReadable("acme", "$demand:sensors")
	if err != nil {
		t.Fatal(err)
	}
	s := &street{c: c, shown: map[string]json.RawMessage{}}
	tally := New(s)
	tally.Open(subject)
	reader := func() (r Reader) {
		r.User, r.Paused = "u"+strconv.Itoa(random.IntN(4)), random.IntN(8) == 0
		r.MaxRate = float64(random.IntN(4)) * 2.5 // 0 is without bound
		for k := range 5 {
			if random.IntN(3) == 0 {
				r.Keys = append(r.Keys, "k"+strconv.Itoa(k))
			}
		}
		return r // without keys it wants all
	}
	for step := range 300 {
		switch n := len(s.readers); {
		case n > 0 && random.IntN(2) == 0:
			s.readers = slices.Delete(s.readers, 0, 1)
			tally.Touch(c)
		case n > 0 && random.IntN(3) == 0:
			s.readers[random.IntN(n)] = reader()
			tally.Touch(c)
		case n < 3 && random.IntN(2) == 0:
			s.readers = append(s.readers, reader())
			tally.Touch(c)
		}
		for range random.IntN(5) {
			time.Sleep(time.Second)
			tally.Turn(time.Now())
		}
		is, keys, rate := s.wanted(time.Now())
		text, shown := s.shown[c.Name()]
		if shown != is {
			t.Fatalf("step %d: shown %t, want %t: %s", step, shown, is, text)
		}
		if !shown {
			continue
		}
		var row Row
		if err := json.Unmarshal(text, &row); err != nil {
			t.Fatal(err)
		}
		var has []string
		if row.Keys != nil {
			has = append([]string{}, slices.Sorted(maps.Keys(row.Keys))...)
		}
		if fmt.Sprint(has) != fmt.Sprint(keys) || (has == nil) != (keys == nil) || row.MaxRate != rate {
			t.Fatalf("step %d: %s, want keys %v, nil %t, at %v", step, text, keys, keys == nil, rate)
		}
	}
}

// Who slows down all the time makes nothing grow, and for as long as a rate lingers nothing slower is shown.
func TestRatesThatLingerAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var l lingering
	for rate := 1000; rate > 1; rate-- {
		now = now.Add(Linger / 500)
		l.note(&Row{Watchers: 1, MaxRate: float64(rate)}, &Row{Watchers: 1, MaxRate: float64(rate - 1)}, now)
		if len(l.rates) > mostRates {
			t.Fatalf("%d rates are kept, want at most %d", len(l.rates), mostRates)
		}
		shown := Row{Watchers: 1, MaxRate: float64(rate - 1)}
		l.show(&shown, now)
		if was := min(1000, rate+498); shown.MaxRate < float64(was) {
			t.Fatalf("%v is shown, want %d at least, which somebody had within %v", shown.MaxRate, was, Linger)
		}
	}
	shown := Row{Watchers: 1, MaxRate: 1}
	if until := l.show(&shown, now.Add(Linger)); shown.MaxRate != 1 || !until.IsZero() {
		t.Errorf("%v is shown until %v after all rates have gone", shown.MaxRate, until)
	}
}

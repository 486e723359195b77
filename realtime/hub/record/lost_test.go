package record

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// told is a message as it comes, and what became of it.
type told struct {
	m        realtime.Message
	repeated bool
	verdict  realtime.Verdict
}

// mostLose is what a stream brings of a channel in which most lose: by several publishers, some of it twice, some of it never, and what is new before
// what a replay brings.
func mostLose(random *rand.Rand, begin time.Time, n int) (all []told) {
	type publisher struct {
		number   uint64
		previous time.Time
	}
	publishers, missing := make([]publisher, 3), random.IntN(3) == 0
	now, wins := begin, 1+random.IntN(20)
	for i := range n {
		now = now.Add(time.Duration(random.IntN(3)) * time.Millisecond)
		by := random.IntN(len(publishers))
		p := &publishers[by]
		p.number++
		x := told{m: realtime.Message{Series: fmt.Sprint("p", by), Number: p.number, Previous: p.previous, Publication: realtime.Publication{
			ID: fmt.Sprint(i), Key: "lock", Data: make([]byte, 1000), Time: now, If: &realtime.Condition{Is: realtime.ConditionAbsent},
		}}}
		p.previous = now
		switch k := random.IntN(100); {
		case k < wins:
			x.verdict = realtime.VerdictApplied
		case k < 2*wins:
			x.m.If = nil
		default:
			x.verdict = realtime.VerdictLost
		}
		if missing && random.IntN(n) < 2 {
			continue
		}
		all = append(all, x)
		if random.IntN(50) == 0 { // a redelivery brings what came last once more
			for _, again := range slices.Clone(all[max(0, len(all)-random.IntN(8)):]) {
				if again.verdict == realtime.VerdictLost || random.IntN(20) == 0 {
					again.repeated = true
					all = append(all, again)
				}
			}
		}
	}
	live := all[len(all)-random.IntN(50):]
	return append(slices.Clone(live), all...)
}

// TestWhatLostTakesNoRoom: however many lose, and whatever they would take, a record has as many of those that count as it may, and finds the same holes: it is
// compared with one that has room for everything, and decides only when all has come.
func TestWhatLostTakesNoRoom(t *testing.T) {
	t.Parallel()
	seed := trial.Seed(t)
	for i := range 20 * trial.Scale(t) {
		random := rand.New(rand.NewPCG(uint64(seed+i), 9))
		window := 5 + random.IntN(60)
		record := func(window, bytes int) *Record {
			return newShelf(t, &realtime.Tenant{
				ID: "acme", Limits: realtime.Limits{RecordBytes: bytes}, Namespaces: map[string]realtime.Namespace{"*": {Window: window, WindowFor: realtime.Duration(time.Hour)}},
			}).open("c:1")
		}
		r, all := record(window, 512<<10), record(1_000_000, 1<<30)
		begin := r.quota.set.complete
		come := mostLose(random, begin.Add(time.Second), 200+random.IntN(1500))
		open, verdicts, seen := 0, map[string]realtime.Verdict{}, map[string]bool{}
		for _, x := range come {
			again := x.repeated || seen[x.m.ID]
			seen[x.m.ID], verdicts[x.m.ID] = true, x.verdict
			m := x.m
			if random.IntN(10) == 0 { // it is decided later
				r.Buffer(&x.m, again)
				open++
			} else {
				BufferDecided(r, &x.m, again, x.verdict)
			}
			all.Buffer(&m, again)
			if open == 20 {
				open = 0
				Decide(r, func(id string) realtime.Verdict { return verdicts[id] })
			}
		}
		until := come[len(come)-1].m.Time.Add(time.Minute).UnixMilli()
		var holes [2]bool
		for k, one := range []*Record{r, all} {
			Decide(one, func(id string) realtime.Verdict { return verdicts[id] })
			holes[k] = one.Make(until)
		}
		got, want := ids(r), ids(all)
		kept := want[max(0, len(want)-window):]
		if !slices.Equal(got, kept) || holes[0] != holes[1] && (holes[0] || len(want) <= window) {
			t.Fatalf("seed %d, window %d: the record has %d, %v, want %d, %v; holes %v", seed+i, window, len(got), got, len(kept), kept, holes)
		}
		if used := r.Quota().Used(); used != heldBy(r) {
			t.Fatalf("seed %d: it says %d bytes and holds %d", seed+i, used, heldBy(r))
		}
	}
}

// Of those that lose one behind the other, whoever publishes them, one note is kept for each publisher.
func TestWhatLostIsJoined(t *testing.T) {
	t.Parallel()
	s := newShelf(t, &realtime.Tenant{ID: "acme"})
	r := s.open("c:1")
	for n := 1; n <= 10_000; n++ {
		m := s.message(n/2, 100)
		m.ID, m.Key, m.If, m.Series = fmt.Sprint(n), "lock", &realtime.Condition{Is: realtime.ConditionAbsent}, fmt.Sprint("p", n%2)
		BufferDecided(r, m, false, realtime.VerdictLost)
	}
	if l := &r.buffer.lost; len(r.buffer.messages) != 0 || l.count != 2 || len(l.spans) != 2 {
		t.Errorf("%d messages are kept, and %d spans of %d publishers", len(r.buffer.messages), l.count, len(l.spans))
	}
}

package record

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
)

// message is the nth of a publisher, a second behind the one before.
func (s *shelf) message(n int, bytes int) *realtime.Message {
	at := func(n int) time.Time { return s.now.Add(time.Duration(n) * time.Second) }
	return &realtime.Message{
		Publication: realtime.Publication{ID: fmt.Sprint(n), Data: make([]byte, bytes), Time: at(n)},
		Series:      "p", Number: uint64(n), Previous: at(n - 1),
	}
}

func ids(r *Record) (all []string) {
	for i := range r.Len() {
		all = append(all, r.At(i).At.ID)
	}
	return all
}

// What is buffered becomes the record: in order of publishing, each once, with a hole where something is missing.
func TestMake(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		come     []int
		repeated map[int]bool // by the place in come
		want     []string
		hole     bool
	}{
		"nothing":                        {},
		"in order":                       {come: []int{1, 2, 3}, want: []string{"1", "2", "3"}},
		"a replay behind what is new":    {come: []int{3, 4, 1, 2, 3, 4}, repeated: map[int]bool{4: true, 5: true}, want: []string{"1", "2", "3", "4"}},
		"mixed":                          {come: []int{4, 1, 3, 2}, want: []string{"1", "2", "3", "4"}},
		"one is missing":                 {come: []int{1, 2, 4, 5}, want: []string{"4", "5"}, hole: true},
		"of one only a repetition came":  {come: []int{1, 2, 3}, repeated: map[int]bool{1: true}, want: []string{"1", "3"}},
		"the first is one of before all": {come: []int{7}, want: []string{"7"}, hole: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, &realtime.Tenant{ID: "acme"})
			r := s.open("c:1")
			for i, n := range tt.come {
				r.Buffer(s.message(n, 10), tt.repeated[i])
			}
			if hole := r.Make(s.now.Add(time.Minute).UnixMilli()); hole != tt.hole || !slices.Equal(ids(r), tt.want) {
				t.Errorf("%v, hole: %t; want %v, %t", ids(r), hole, tt.want, tt.hole)
			}
			if !r.Made() || r.Quota().Used() != heldBy(r) {
				t.Errorf("made: %t; it says %d bytes and holds %d", r.Made(), r.Quota().Used(), heldBy(r))
			}
		})
	}
}

// What is buffered up to the limit, or beyond one that has been lowered, becomes a record: it does not push out itself.
func TestMakeOfAllThereMayBe(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"the same limit": 64 << 10, "a lower one": 16 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: 64 << 10}})
			r := s.open("c:1")
			for n := 1; n <= 1000; n++ {
				r.Buffer(s.message(n, 200), false)
			}
			buffered := len(r.buffer.messages)
			r.Quota().Obey(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			r.Make(s.now.Add(time.Hour).UnixMilli())
			if want := min(buffered, limit/1000); r.Len() < want || r.Quota().Used() > limit || r.At(r.Len()-1).At.ID != "1000" {
				t.Errorf("of %d that were buffered %d are kept, of %d bytes; want %d or more, the newest", buffered, r.Len(), r.Quota().Used(), want)
			}
		})
	}
}

// A message that comes for a record is new, known, or shows a hole.
func TestJudge(t *testing.T) {
	t.Parallel()
	const long = 1000 // seconds in which IDs are remembered
	for name, tt := range map[string]struct {
		come     int
		repeated bool
		at       int // seconds; 0 is that of the number
		want     Judgement
	}{
		"the next":                       {come: 4, want: Judgement{New: true}},
		"repeated":                       {come: 3, repeated: true},
		"one was skipped":                {come: 5, want: Judgement{New: true, Hole: "skipped"}},
		"one was skipped, repeated":      {come: 5, repeated: true, want: Judgement{Hole: "skipped"}},
		"behind its successors":          {come: 2, want: Judgement{Hole: "late"}},
		"a little before the last":       {come: 4, at: 2, want: Judgement{New: true}},
		"far before the last":            {come: 4, at: -10, want: Judgement{Hole: "late"}},
		"too old to be remembered":       {come: 4, at: 3 - long, want: Judgement{Hole: "late"}},
		"behind a hole that was told":    {come: 1, at: -2, want: Judgement{Hole: "late", Known: true}},
		"the same moment, another event": {come: 4, at: 3, want: Judgement{New: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, &realtime.Tenant{ID: "acme"})
			r := s.made("c:1")
			for n := 1; n <= 3; n++ {
				m := s.message(n, 10)
				if j := r.Judge(m, false, 0); j != (Judgement{New: true}) {
					t.Fatalf("message %d: %+v", n, j)
				}
				r.Append(m, s.now)
				if n == 1 {
					r.told = s.now.UnixMilli()
				}
			}
			m := s.message(tt.come, 10)
			if tt.at != 0 {
				m.Time = s.now.Add(time.Duration(tt.at) * time.Second)
			}
			got := r.Judge(m, tt.repeated, s.now.Add(-long*time.Second).UnixMilli())
			got.Until = 0
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got.New && m.Time.UnixMilli() < r.Newest() {
				t.Error("it is new and has a time before the last")
			}
		})
	}
}

// Nobody resumes across what was lost, and who stood at the end goes on behind it only by the gap.
func TestLose(t *testing.T) {
	t.Parallel()
	s := newShelf(t, &realtime.Tenant{ID: "acme"})
	r := s.made("c:1")
	first, _ := r.Append(s.message(1, 10), s.now)
	last, _ := r.Append(s.message(2, 10), s.now)
	lost := last.At.Time + 500
	if at := r.Lose(lost); at != last.At || r.Position() != last.At {
		t.Errorf("readers stood at %v, stand at %v; want %v", at, r.Position(), last.At)
	}
	if !r.Empty() || r.Quota().Used() != cost(r.name) {
		t.Errorf("%d are left, %d bytes", r.Len(), r.Quota().Used())
	}
	for _, p := range []realtime.Position{first.At, last.At, {Time: lost}} {
		if _, ok := r.Resume(p, 0); ok {
			t.Errorf("%v resumes across a hole", p)
		}
	}
	if _, ok := r.Resume(realtime.Position{Time: lost + 1}, 0); !ok {
		t.Error("it is complete behind the hole")
	}
}

// While one Set replaces another both count, the older gives way, and once that is let go only the new one counts. The
// Budget has what both hold, until it is released.
func TestReplaces(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	shared := budget.New(1 << 30)
	s := newShelf(t, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
	s.set.o.Budget = shared
	old := s.made("c:1")
	for n := 1; n <= 1000; n++ {
		old.Append(s.message(n, 200), s.now)
	}
	full := old.Len()
	first, second := New(s.set.o), New(s.set.o)
	first.Replaces(s.set)
	second.Replaces(s.set) // the first has failed
	if first.older != nil || s.set.newer != second {
		t.Fatal("a Set that failed still counts")
	}
	second.Complete(s.now)
	anew := second.Open(s.channel("c:1"), s.doc)
	for n := 1001; n <= 1050; n++ {
		anew.Buffer(s.message(n, 200), false)
		if used := old.Quota().Used() + anew.Quota().Used(); used > limit {
			t.Fatalf("both take %d bytes of %d", used, limit)
		}
	}
	if len(anew.buffer.messages) != 50 || old.Len() >= full {
		t.Errorf("%d are buffered, the older record has %d of %d; want 50, and the older to give way", len(anew.buffer.messages), old.Len(), full)
	}
	if bytes, changed := anew.Quota().Changed(); bytes != old.Quota().Used()+anew.Quota().Used() || !changed {
		t.Errorf("the tenant takes %d bytes, changed: %t", bytes, changed)
	}
	second.Alone()
	if bytes, _ := anew.Quota().Changed(); bytes != anew.Quota().Used() {
		t.Errorf("the tenant takes %d bytes, %d of them by what was let go", bytes, bytes-anew.Quota().Used())
	}
	s.set.Release()
	if got := shared.Records(); got != int64(anew.Quota().Used()) {
		t.Errorf("the Budget has %d bytes, want %d", got, anew.Quota().Used())
	}
	second.Release()
	if got := shared.Records(); got != 0 {
		t.Errorf("the Budget has %d bytes of what was released", got)
	}
}

// A tenant without records is forgotten after a while, and what it lost is remembered as missing.
func TestForgetTenant(t *testing.T) {
	t.Parallel()
	s := newShelf(t, &realtime.Tenant{ID: "acme"})
	r := s.open("c:1")
	r.Make(s.now.UnixMilli())
	r.Append(s.message(1, 10), s.now)
	r.GiveUpUntil(s.now.Add(time.Hour).UnixMilli(), func() bool { return false })
	s.set.Remove(r)
	delete(s.records, r.name)
	now := time.Now()
	if id, more := s.set.ForgetTenant(now); id != "" || more {
		t.Errorf("%q is forgotten at once", id)
	}
	if again := s.open("c:1"); again.Make(s.now.Add(time.Minute).UnixMilli()) || again.CompleteSince(s.now.Add(time.Second).UnixMilli()) {
		t.Error("a record claims what was given up")
	} else {
		s.set.Remove(again)
		delete(s.records, again.name)
	}
	later := time.Now().Add(11 * time.Minute)
	var forgotten []string
	for {
		id, more := s.set.ForgetTenant(later)
		if id != "" {
			forgotten = append(forgotten, id)
		}
		if !more {
			break
		}
	}
	if !slices.Equal(forgotten, []string{"acme"}) || s.set.Quota("acme") != nil {
		t.Errorf("forgotten: %v", forgotten)
	}
	if again := s.open("c:1"); again.Make(s.now.Add(time.Minute).UnixMilli()) || again.CompleteSince(s.now.Add(time.Second).UnixMilli()) {
		t.Error("a record claims what was given up of a tenant that was forgotten")
	}
}

// Whatever comes in whatever order, until and after the record is made, it stays within its tenant's bound, counts what
// it holds, and its times never decrease.
func TestRecordsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 17))
			const limit = 40_000
			s := newShelf(t, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}, Namespaces: map[string]realtime.Namespace{"*": {Window: 20, WindowFor: realtime.Duration(time.Hour)}}})
			for range 3000 {
				name := fmt.Sprintf("c:%d", rnd.IntN(5))
				r := s.open(name)
				m := s.message(1+rnd.IntN(200), rnd.IntN(2000))
				switch n := rnd.IntN(100); {
				case n < 2 && !r.Made():
					r.Make(s.now.Add(time.Duration(rnd.IntN(200)) * time.Second).UnixMilli())
				case n < 4:
					r.Age(s.now.Add(time.Duration(rnd.IntN(4000)) * time.Second))
				case n < 6:
					r.GiveUpUntil(s.now.Add(time.Duration(rnd.IntN(200))*time.Second).UnixMilli(), func() bool { return false })
				case !r.Made():
					r.Buffer(m, rnd.IntN(3) == 0)
				default:
					j := r.Judge(m, rnd.IntN(3) == 0, s.now.UnixMilli())
					if j.Hole != "" && !j.Known {
						r.Lose(j.Until)
					}
					if j.New {
						r.Append(m, s.now)
					}
				}
				held := 0
				for _, r := range s.records {
					for i := range r.buffer.messages {
						held += bufferedCost(&r.buffer.messages[i].Message)
					}
					held += heldBy(r)
					if !slices.IsSortedFunc(r.entries[r.head:], func(a, b Entry) int { return int(a.At.Time - b.At.Time) }) {
						t.Fatal("times decrease")
					}
				}
				if q := s.set.Quota("acme"); q.used != held || q.used > limit {
					t.Fatalf("the records say %d bytes, hold %d and may use %d", q.used, held, limit)
				}
			}
		})
	}
}

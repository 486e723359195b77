package lane

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reader is one that is shown something.
type reader struct {
	view *view.View
	seat Seat[*reader]
}

func (r *reader) View() *view.View     { return r.view }
func (r *reader) Seat() *Seat[*reader] { return &r.seat }

// nobody has a record.
type nobody struct{}

func (nobody) Evicted(realtime.Channel, realtime.Reason, int) {}
func (nobody) Emptied(realtime.Channel)                       {}
func (nobody) Unencodable(realtime.Channel)                   {}

// now is when all is published.
var now = time.UnixMilli(1_800_000_000_000)

func recordOf(t testing.TB) *record.Record {
	t.Helper()
	c, err := realtime.NewChannel("acme", "a")
	if err != nil {
		t.Fatal(err)
	}
	return record.New(record.Options{Owner: nobody{}}).Open(c, &realtime.Tenant{ID: "acme"})
}

// choose returns the lanes that are shown an entry.
func choose(t testing.TB, all []Choice[*reader], ls *Lanes[*reader], rec *record.Record, e *record.Entry) []Choice[*reader] {
	look := record.LookAt(rec, e, false)
	defer look.Done()
	return ls.Choose(all, &look, func(_ *reader, fault any) { t.Error(fault) })
}

// tagged is a filter that passes what has one of some values under each of some tags.
type tagged map[string][]string

func (f tagged) Match(p *realtime.Publication, _ *view.Memo) bool {
	for tag, values := range f {
		if !slices.Contains(values, p.Tags[tag]) {
			return false
		}
	}
	return true
}

func (f tagged) ID() string { return fmt.Sprint(map[string][]string(f)) }

func (f tagged) Equalities() (all []view.Equality) {
	for tag, values := range f {
		if tag != "secret" { // of which nobody is told
			all = append(all, view.Equality{Name: "tags." + tag, Values: values})
		}
	}
	return all
}

// fixed is a Compiler that knows a filter.
type fixed struct{ filter view.Filter }

func (f fixed) Compile(string, view.Viewer) (view.Filter, error) { return f.filter, nil }

func viewOf(t testing.TB, f view.Filter) *view.View {
	t.Helper()
	v, err := view.NewBuilder(fixed{f}).Build(&view.Rules{Filter: "it"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The lanes that are chosen for an entry are those whose View shows it, whoever has come and gone before.
func TestChosenLanes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	rec, ls := recordOf(t), &Lanes[*reader]{}
	some := func() (values []string) {
		for range rng.IntN(4) {
			if v := fmt.Sprint(rng.IntN(4)); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		return values
	}
	var readers []*reader
	for step := range 2000 {
		switch {
		case rng.IntN(3) == 0 && len(readers) > 0:
			i := rng.IntN(len(readers))
			ls.Exit(readers[i])
			readers = slices.Delete(readers, i, i+1)
		case rng.IntN(2) == 0 && len(readers) < 60:
			f := tagged{}
			for _, tag := range []string{"region", "client", "secret"}[:rng.IntN(4)] {
				f[tag] = some()
			}
			r := &reader{view: viewOf(t, f)}
			ls.Enter(r)
			readers = append(readers, r)
		default:
			p := realtime.Publication{Channel: rec.Channel(), ID: fmt.Sprint(step), Time: now, Tags: map[string]string{}}
			for _, tag := range []string{"region", "client", "secret"} {
				if rng.IntN(4) > 0 {
					p.Tags[tag] = fmt.Sprint(rng.IntN(4))
				}
			}
			checkChosen(t, ls, rec, &p, readers)
		}
	}
	for _, r := range readers {
		ls.Exit(r)
	}
	if ix := &ls.views; len(ls.byID)+len(ix.byValue)+len(ix.names)+len(ix.rest)+ix.tags+ix.asked > 0 {
		t.Errorf("without readers there are %+v", ls)
	}
}

func checkChosen(t *testing.T, ls *Lanes[*reader], rec *record.Record, p *realtime.Publication, readers []*reader) {
	t.Helper()
	e, _ := rec.Append(&realtime.Message{Kind: realtime.KindPublication, Publication: *p}, p.Time)
	chosen := map[*Lane[*reader]]bool{}
	for _, c := range choose(t, nil, ls, rec, &e) {
		if chosen[c.Lane] {
			t.Errorf("%s is chosen twice", c.Lane.view.ID())
		}
		chosen[c.Lane] = true
	}
	for _, r := range readers {
		if shows := r.view.Shows(p, &view.Memo{}); shows != chosen[r.seat.lane] {
			t.Fatalf("%v is shown to %s: %t, chosen %t", p.Tags, r.view.ID(), shows, chosen[r.seat.lane])
		}
	}
}

// What tells the Views apart finds them, and not what they have in common: 10,000 readers, each with a filter of its own.
func TestLanesAreFoundByWhatDiffers(t *testing.T) {
	t.Parallel()
	var ls Lanes[*reader]
	for i := range 100 {
		ls.of(viewOf(t, tagged{"region": {"eu"}, "client": {fmt.Sprint(i)}}))
	}
	for by, found := range ls.views.byValue {
		if len(found) > 1 {
			t.Errorf("%v finds %d lanes", by, len(found))
		}
	}
}

// BenchmarkChoose is what a publication costs that 10,000 readers have a filter for, each one of its own: at most 10 µs.
func BenchmarkChoose(b *testing.B) {
	for _, bench := range []struct {
		name string
		of   func(i int) tagged
	}{
		{"equal", func(i int) tagged { return tagged{"client": {fmt.Sprint(i)}} }},
		{"equal and in common", func(i int) tagged { return tagged{"client": {fmt.Sprint(i)}, "region": {"eu"}} }},
		{"one of three", func(i int) tagged { return tagged{"client": {fmt.Sprint(i), fmt.Sprint(-i), "-"}} }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			rec, ls := recordOf(b), &Lanes[*reader]{}
			for i := range 10_000 {
				ls.Enter(&reader{view: viewOf(b, bench.of(i))})
			}
			p := realtime.Publication{Channel: rec.Channel(), ID: "e", Time: now, Tags: map[string]string{"client": "7", "region": "eu"}}
			e, _ := rec.Append(&realtime.Message{Kind: realtime.KindPublication, Publication: p}, p.Time)
			var chosen []Choice[*reader]
			b.ReportAllocs()
			for b.Loop() {
				if chosen = choose(b, chosen[:0], ls, rec, &e); len(chosen) == 0 {
					b.Fatal("none is chosen")
				}
			}
		})
	}
}

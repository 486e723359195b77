package filter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// An index finds what matches one by one, whatever was set and deleted before.
func TestIndex(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	for seed := range uint64(20) {
		m := maker{rand.New(rand.NewPCG(seed, 2))}
		var x Index[int]
		model, programs := map[string]int{}, []*Program{}
		of := m.environment()
		for step := range 200 {
			switch m.IntN(4) {
			case 0:
				if p, err := c.Compile(m.factors(), of); err == nil {
					programs = append(programs, p)
				}
			case 1:
				if len(programs) > 0 {
					p := programs[m.IntN(len(programs))]
					x.Set(p, step)
					model[p.Source()] = step
				}
			case 2:
				if len(programs) > 0 && m.IntN(2) == 0 {
					p := programs[m.IntN(len(programs))]
					x.Delete(p)
					delete(model, p.Source())
				}
			default:
				checkIndex(t, &x, model, programs, m.input())
			}
		}
		for _, p := range programs {
			x.Delete(p)
		}
		if x.Len() != 0 || x.Evaluated() != 0 || len(x.names) != 0 {
			t.Errorf("an index that was emptied has %d programs, %d evaluated, %d names", x.Len(), x.Evaluated(), len(x.names))
		}
	}
}

// factors makes a conjunction, often with an equality.
func (m maker) factors() string {
	equality := m.one("tags.a == 'x'", "tags.a == 'yy'", "key == 'k'", "event in ['k', 'yy']", "data.s == 'x'", "data.n.m == 1", "data.s in [1, 'x', null]", "data.flag == true",
		"tags.b == 'x'", "tags.a == user", "tags.Num in groups", "true")
	return equality + " && " + m.test(m.IntN(3)) + m.one("", " && "+equality, " && key == 'x'")
}

func checkIndex(t *testing.T, x *Index[int], model map[string]int, programs []*Program, in *Input) {
	t.Helper()
	var want []int
	seen := map[string]bool{}
	for _, p := range programs {
		v, set := model[p.Source()]
		if got, ok := x.Get(p); ok != set || got != v {
			t.Fatalf("%s has %v, %v, not %v, %v", p.Source(), got, ok, v, set)
		}
		if set && !seen[p.Source()] && p.Match(in) {
			want = append(want, v)
		}
		seen[p.Source()] = true
	}
	got := x.Match(in, nil)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%v match, not %v", got, want)
	}
	if x.Len() != len(model) {
		t.Fatalf("%d programs, not %d", x.Len(), len(model))
	}
}

// The name that tells programs apart finds them, not one that they share.
func TestIndexChoosesTheName(t *testing.T) {
	t.Parallel()
	c := newCompiler(t)
	var x Index[int]
	for i := range 100 {
		p, err := c.Compile(fmt.Sprintf("tags.region == 'eu' && tags.client == 'c%d' && num(tags.speed) > 1", i), Environment{})
		if err != nil {
			t.Fatal(err)
		}
		x.Set(p, i)
	}
	for _, by := range x.names {
		for want, found := range by.wanting {
			if len(found) > 1 {
				t.Errorf("%s == %v finds %d programs", by.title, want, len(found))
			}
		}
	}
	if x.Evaluated() != 0 {
		t.Error(x.Evaluated())
	}
}

// Matching allocates nothing: what runs for each publication and filter makes no garbage.
func TestNoAllocations(t *testing.T) {
	c, in := newCompiler(t), position()
	in.of.Data = []byte(`{"bid":80.5,"a":{"b":"x\u0041"},"urgent":true,"nil":null,"o":{"p":1}}`) // no number out of range
	var x Index[int]
	for i, source := range ordinary() {
		p, err := c.Compile(source, ann())
		if err != nil {
			t.Fatal(err)
		}
		x.Set(p, i)
		if n := testing.AllocsPerRun(100, func() { p.Match(in) }); n != 0 {
			t.Errorf("%s allocates %v times", source, n)
		}
	}
	matching := make([]int, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		in.Reset(in.of)
		matching = x.Match(in, matching[:0])
	}); n != 0 {
		t.Errorf("an index allocates %v times", n)
	}
}

// ordinary are filters as dashboards write them.
func ordinary() []string {
	return []string{
		"tags.client == 'acme'",
		"tags.client == user || tags.owner == user",
		"tags.region == 'eu' && key.startsWith('v') && num(tags.speed) > 80 && tags.Kind in ['a', 'b'] && has(tags.x) && user == tags.owner",
		"num(tags.speed) > 80",
		"tags.client in groups && !(tags.word == 'slow')",
		"data.bid > 80 && data.a.b == 'xA'",
		"event == 'position' && data.bid * 2 - 1 <= 200",
		"has(tags.speed) ? num(tags.speed) > 80 : key.endsWith('7')",
	}
}

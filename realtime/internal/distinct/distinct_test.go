package distinct

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// several places have names, some of them in common. Together they are as many as a set of them all has: exactly up to the bound, and to within four
// times what is promised beyond it.
func TestCount(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		const most = 64
		all, total := map[string]bool{}, New(most*(1+r.IntN(2)))
		names := 1 + r.IntN([]int{10, 64, 100, 5000}[seed%4])
		for range 1 + r.IntN(5) {
			here := New(most)
			for range r.IntN(2 * names) {
				name := fmt.Sprintf("user-%d", r.IntN(names))
				all[name] = true
				here.Add(name)
			}
			text, err := json.Marshal(here)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 8*most+3 {
				t.Errorf("seed %d: %d bytes", seed, len(text))
			}
			there := new(Sketch)
			if err := json.Unmarshal(text, there); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, text, err)
			}
			total.Merge(there)
		}
		n, exact := total.Count()
		if len(all) <= most && !exact || exact && n != len(all) {
			t.Errorf("seed %d: %d, exact %t, of %d", seed, n, exact, len(all))
		}
		if off := math.Abs(float64(n-len(all))) / math.Max(1, float64(len(all))); off > 4/math.Sqrt(most) {
			t.Errorf("seed %d: %d of %d", seed, n, len(all))
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`1`, `"a"`, `"AAAA"`, `"AAAAAAAA*"`, `"AAAAAAAAAAAAAAAA"`, `"AAAAAAABAAAAAAAA"`} {
		if err := json.Unmarshal([]byte(text), new(Sketch)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`"AAAAAAAAAAAAAAAB+"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := new(Sketch)
		if json.Unmarshal(data, s) != nil {
			return
		}
		n, _ := s.Count()
		text, err := json.Marshal(s)
		if err != nil || n < 0 {
			t.Fatalf("%d, %v", n, err)
		}
		again := new(Sketch)
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again.Merge(s)
		again.Add("x")
		again.Count()
	})
}

package filter

import (
	"fmt"
	"testing"
)

// The evaluator of this package, and cel-go with the same expression.
func BenchmarkMatch(b *testing.B) {
	c, in := newCompiler(b), position()
	for _, source := range ordinary() {
		p, err := c.Compile(source, ann())
		if err != nil {
			b.Fatal(err)
		}
		whole := reference(b, c, source, ann())
		b.Run(source, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(in)
			}
		})
		b.Run(source+" by cel-go", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				whole.holds(in)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	c := newCompiler(b)
	for _, source := range []string{ordinary()[0], ordinary()[2]} {
		b.Run(source, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Compile(source, ann()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A publication to 10,000 subscribers, each with a filter of its own that is an equality: at most 10 µs.
func BenchmarkIndex(b *testing.B) {
	c := newCompiler(b)
	for _, bench := range []struct {
		name, filter string
		programs     int
	}{
		{"10000 equalities", "tags.symbol == 's%d'", 10_000},
		{"10000 equalities with more", "tags.region == 'eu' && tags.symbol == 's%d' && num(tags.speed) > 80", 10_000},
		{"10000 keys", "key == 's%d'", 10_000},
		{"10000 fields", "data.symbol == 's%d'", 10_000},
		{"50 others", "num(tags.speed) > %d", 50},
		{"1000 others", "num(tags.speed) > %d", 1000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var x Index[int]
			for i := range bench.programs {
				p, err := c.Compile(fmt.Sprintf(bench.filter, i), Environment{Filterable: []string{"data.symbol"}})
				if err != nil {
					b.Fatal(err)
				}
				x.Set(p, i)
			}
			var in Input
			tags, data := TagMap{"symbol": "s7", "region": "eu", "speed": "88"}, []byte(`{"time":1767225600177,"bid":1.0843,"ask":1.0845,"symbol":"s7","book":[[1,2],[3,4]]}`)
			matching := make([]int, 0, bench.programs)
			b.ReportAllocs()
			for b.Loop() {
				in.Reset(Attributes{Key: "s7", EventType: "", Tags: tags, Data: data})
				if matching = x.Match(&in, matching[:0]); len(matching) == 0 {
					b.Fatal("none matches")
				}
			}
		})
	}
}

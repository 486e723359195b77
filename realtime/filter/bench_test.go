package filter

import "testing"

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

package filter

import "github.com/tidewire/tidewire/realtime"

// The bounds of a filter's text.
const (
	MaxBytes = realtime.MaxFilterBytes
	MaxNodes = 64 // literals, names, operators and calls; operands joined by one operator count it once
	MaxDepth = 8  // of operators and calls inside each other, on the same terms
)

// MaxCost bounds, in the units of cel-go, what an expression may take that is evaluated there.
const MaxCost = 50_000

// What the estimate of the cost assumes of a text that only a publication knows. Evaluation counts what it was.
const assumedTextBytes = 1 << 10

// maxParserDepth bounds the parser's stack. Parentheses count.
const maxParserDepth = 48

// maxExactInteger is the greatest integer up to which a float64 tells all integers apart.
const maxExactInteger = 1<<53 - 1

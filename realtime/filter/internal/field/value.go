package field

import (
	"strconv"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds.
const (
	Missing Kind = iota // nothing, or what cannot be computed: it makes a comparison false
	Text
	Number
	Bool
	Null
	Composite // an object or a list of data, or a number out of range: present, but compared with nothing
)

// Value is what a member, or an expression, is for one publication. It is comparable, and a key of maps.
type Value struct {
	Kind Kind
	Num  float64 // of a Number; 1 for true
	Str  string  // of a Text
}

// TextOf returns a text as a Value.
func TextOf(s string) Value { return Value{Kind: Text, Str: s} }

// NumberOf returns a number as a Value.
func NumberOf(f float64) Value { return Value{Kind: Number, Num: f} }

// BoolOf returns true or false as a Value.
func BoolOf(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}

// Comparable reports whether comparisons with v can be true.
func (v Value) Comparable() bool { return v.Kind != Missing && v.Kind != Composite }

// ParseNumber reads a number as JSON writes it, and nothing else: no spaces, hexadecimals, infinities.
func ParseNumber(s string) (float64, bool) {
	if !isNumber(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil // one that is out of range is no number
}

// isNumber reports whether s is a number of JSON (RFC 8259, section 6).
func isNumber(s string) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s, i)
	if whole == i || s[i] == '0' && whole > i+1 {
		return false
	}
	i = whole
	if i < len(s) && s[i] == '.' {
		end := digits(s, i+1)
		if end == i+1 {
			return false
		}
		i = end
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		end := digits(s, i)
		if end == i {
			return false
		}
		i = end
	}
	return i == len(s) && i > 0
}

// digits returns where the digits end that begin at i.
func digits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

package filter

import (
	"strconv"
)

// kind is the type of a value at evaluation.
type kind uint8

const (
	missing kind = iota // nothing, or what cannot be computed: it makes a comparison false
	text
	number
	boolean
	null
	composite // an object or a list of data: present, but compared with nothing
)

// value is what an operand is for one input. It is comparable, and a key of maps.
type value struct {
	kind kind
	num  float64 // of a number; 1 for true
	str  string  // of a text
}

func textValue(s string) value    { return value{kind: text, str: s} }
func numberValue(f float64) value { return value{kind: number, num: f} }

func boolValue(b bool) value {
	if b {
		return value{kind: boolean, num: 1}
	}
	return value{kind: boolean}
}

// comparable reports whether comparisons with v can be true.
func (v value) comparable() bool { return v.kind != missing && v.kind != composite }

// parseNumber reads a number as JSON writes it, and nothing else: no spaces, hexadecimals, infinities.
func parseNumber(s string) (float64, bool) {
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

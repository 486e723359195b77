package yjs

import (
	"errors"
	"math"
	"unicode/utf8"
)

// maxInteger is the largest integer that JavaScript has exactly; no clock goes beyond it.
const maxInteger = 1<<53 - 1

// errDamaged is what is wrong with bytes that no client of Yjs has written.
var errDamaged = errors.New("is damaged: it ends too early, or holds a value that Yjs does not write")

// reader reads what lib0 has encoded. After a fault it returns zero values; whoever reads asks for the fault in the end. What it returns is a part of
// what it reads.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) octet() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// integer reads a varUint.
func (r *reader) integer() uint64 {
	n, shift := uint64(0), 0
	for {
		c := r.octet()
		n |= uint64(c&0x7f) << shift
		switch {
		case r.bad:
			return 0
		case c < 0x80:
			if n > maxInteger {
				r.fail()
				return 0
			}
			return n
		}
		if shift += 7; shift > 49 {
			r.fail()
			return 0
		}
	}
}

func (r *reader) skip(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// bytes reads a varUint8Array.
func (r *reader) bytes() []byte { return r.skip(r.integer()) }

// text reads a varString, which is UTF-8.
func (r *reader) text() []byte {
	b := r.bytes()
	if !utf8.Valid(b) {
		r.fail()
		return nil
	}
	return b
}

// maxNesting is how deep values may be nested.
const maxNesting = 100

// value skips a value of any type.
func (r *reader) value(nesting int) {
	if nesting > maxNesting {
		r.fail()
		return
	}
	switch r.octet() {
	case 127, 126, 121, 120: // undefined, null, false, true
	case 125: // an integer, of which the first byte holds 6 bits
		for c := r.octet(); c >= 0x80; c = r.octet() {
			continue
		}
	case 124:
		r.skip(4)
	case 123, 122: // a float, a bigint
		r.skip(8)
	case 119:
		r.text()
	case 118: // an object
		for n := r.integer(); n > 0 && !r.bad; n-- {
			r.text()
			r.value(nesting + 1)
		}
	case 117: // an array
		for n := r.integer(); n > 0 && !r.bad; n-- {
			r.value(nesting + 1)
		}
	case 116:
		r.bytes()
	default:
		r.fail()
	}
}

// appendInteger appends a varUint.
func appendInteger(b []byte, n uint64) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// appendBytes appends a varUint8Array, or a varString.
func appendBytes[T []byte | string](b []byte, data T) []byte {
	return append(appendInteger(b, uint64(len(data))), data...)
}

// units is how long text is for JavaScript, in UTF-16.
func units(text []byte) uint64 {
	n := uint64(0)
	for _, r := range string(text) {
		n++
		if r > math.MaxUint16 {
			n++
		}
	}
	return n
}

// after returns what follows so many units of text. Half a character becomes the one that stands for what is none, as JavaScript encodes it.
func after(text []byte, offset uint64) []byte {
	for i, r := range string(text) {
		switch {
		case offset == 0:
			return text[i:]
		case r <= math.MaxUint16:
			offset--
		case offset == 1:
			return append([]byte("\uFFFD"), text[i+utf8.RuneLen(r):]...)
		default:
			offset -= 2
		}
	}
	return nil
}

// before returns the first units of text, at most so many, and how many they are. It does not cut a character.
func before(text []byte, most uint64) (head []byte, n uint64) {
	for i, r := range string(text) {
		size := uint64(1)
		if r > math.MaxUint16 {
			size = 2
		}
		if n+size > most {
			return text[:i], n
		}
		n += size
	}
	return text, n
}

package words

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Bytes is the length of a word; it is written as hexadecimal digits.
const Bytes = 16

// New returns a word as it is written.
func New(rng *rand.Rand) string {
	var b [Bytes]byte
	binary.BigEndian.PutUint64(b[:8], rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], rng.Uint64())
	return hex.EncodeToString(b[:])
}

// Dictionary finds words in bytes, by either half of them: a part of a word is a leak too.
type Dictionary[W comparable] map[uint64]W

// Add adds a word, as New has made it, by which w is found.
func (d Dictionary[W]) Add(text string, w W) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != Bytes {
		panic("words: not a word: " + text) // the World makes them
	}
	d[binary.BigEndian.Uint64(b[:8])] = w
	d[binary.BigEndian.Uint64(b[8:])] = w
}

// Hit is a word that was found.
type Hit[W comparable] struct {
	Word W
	Form string // how it was found
	Near string // what stands around it
}

// Find returns the words in b, in whatever form. One that is there several times may be returned several times.
func (d Dictionary[W]) Find(b []byte) []Hit[W] {
	hits := d.Plain(b, "as it is")
	hits = append(hits, d.Binary(b, "as bytes")...)
	hits = append(hits, d.base64(b, "in base64")...)
	for escaped := b; ; {
		plain := unescaped(escaped)
		if len(plain) == len(escaped) {
			return hits
		}
		hits = append(hits, d.Plain(plain, "escaped")...)
		hits = append(hits, d.base64(plain, "escaped, in base64")...)
		escaped = plain // a text inside a text
	}
}

// Plain finds words as hexadecimal digits of either case.
func (d Dictionary[W]) Plain(b []byte, form string) (hits []Hit[W]) {
	var half uint64
	digits := 0
	for i, c := range b {
		n, ok := digit(c)
		if !ok {
			digits = 0
			continue
		}
		half = half<<4 | uint64(n)
		if digits++; digits >= Bytes {
			if w, is := d[half]; is {
				hits = append(hits, Hit[W]{w, form, around(b, i)})
			}
		}
	}
	return hits
}

// Binary finds words as the bytes that they are.
func (d Dictionary[W]) Binary(b []byte, form string) (hits []Hit[W]) {
	var half uint64
	for i, c := range b {
		half = half<<8 | uint64(c)
		if i >= Bytes/2-1 {
			if w, is := d[half]; is {
				hits = append(hits, Hit[W]{w, form, around(b, i)})
			}
		}
	}
	return hits
}

// base64 finds words, and their bytes, in what is base64 of either alphabet, wherever in it they begin.
func (d Dictionary[W]) base64(b []byte, form string) (hits []Hit[W]) {
	const shortest = Bytes / 2 * 4 / 3 // of half a word's bytes
	var run, decoded []byte
	for from := 0; from < len(b); {
		to := from
		for to < len(b) && isBase64(b[to]) {
			to++
		}
		for shift := 0; shift < 4 && to-from-shift >= shortest; shift++ {
			run = append(run[:0], b[from+shift:to]...)
			for i, c := range run {
				switch c {
				case '-':
					run[i] = '+'
				case '_':
					run[i] = '/'
				}
			}
			run = run[:len(run)/4*4] // what is left over is less than a group
			decoded = slices.Grow(decoded[:0], len(run)/4*3)[:len(run)/4*3]
			if n, err := base64.StdEncoding.Decode(decoded, run); err == nil {
				hits = append(hits, d.Plain(decoded[:n], form)...)
				hits = append(hits, d.Binary(decoded[:n], form)...)
			}
		}
		from = to + 1
	}
	return hits
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

func digit(c byte) (n byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// unescaped undoes one layer of the escapes of JSON and of URLs.
func unescaped(b []byte) []byte {
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && i+5 < len(b) && b[i+1] == 'u':
			if n, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16); err == nil && n < 0x80 {
				plain = append(plain, byte(n))
				i += 5
				continue
			}
		case b[i] == '\\' && i+1 < len(b) && (b[i+1] == '\\' || b[i+1] == '/' || b[i+1] == '"'):
			i++
		case b[i] == '%' && i+2 < len(b):
			if n, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8); err == nil {
				plain = append(plain, byte(n))
				i += 2
				continue
			}
		}
		plain = append(plain, b[i])
	}
	return plain
}

// around returns what stands before a place, for a message.
func around(b []byte, at int) string {
	const before, after = 160, 20
	return string(b[max(0, at-before):min(len(b), at+after)])
}

// Package jsontext takes valid JSON text (RFC 8259) apart without decoding it.
//
// What comes from outside is refused if a name appears twice in an object or a
// value is not of the very type that is asked for. encoding/json lets both pass and tells nobody;
// here the caller sees each member as it is written and decides.
//
// It stays beside github.com/go-json-experiment/json, which is to become encoding/json/v2: its Decoder takes up to 2.8 times as long for a frame of a
// client as the scanner of package wire, it bounds no depth below 10,000, and its Unmarshal stops at the first
// fault of a document, where package strict tells all of them.
//
// All functions take text that json.Valid or a scanner of its own has accepted; of any other they may
// panic. What they return shares its memory.
package jsontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// Text is JSON text in either form.
type Text interface{ ~string | ~[]byte }

// Begins returns the first byte behind white space, which tells the type of the
// value: '{', '[', '"', 't', 'f', 'n', '-' or a digit.
func Begins[T Text](value T) byte { return value[skipSpace(value, 0)] }

// Members yields the names, without quotes and escapes, and the values of an object.
func Members[T Text](object T) iter.Seq2[T, T] {
	return func(yield func(name, value T) bool) {
		at := skipSpace(object, skipSpace(object, 0)+1)
		for object[at] != '}' {
			end := valueEnd(object, at)
			name := inside(object[at:end])
			at = skipSpace(object, skipSpace(object, end)+1) // behind the colon
			end = valueEnd(object, at)
			if !yield(name, object[at:end]) {
				return
			}
			at = skipComma(object, end)
		}
	}
}

// Elements yields the elements of an array.
func Elements[T Text](array T) iter.Seq[T] {
	return func(yield func(T) bool) {
		at := skipSpace(array, skipSpace(array, 0)+1)
		for array[at] != ']' {
			end := valueEnd(array, at)
			if !yield(array[at:end]) {
				return
			}
			at = skipComma(array, end)
		}
	}
}

// Strings returns an object of strings as a map. An error says what of the value is something else, and names the member.
func Strings[T Text](value T) (map[string]string, error) {
	if Begins(value) != '{' {
		return nil, errors.New("must be an object of strings")
	}
	all := map[string]string{}
	for name, text := range Members(value) {
		if text[0] != '"' {
			return nil, fmt.Errorf("%.64q must be a string", name)
		}
		if _, twice := all[string(name)]; twice { // readers of JSON do not agree which of the two counts
			return nil, fmt.Errorf("%.64q appears twice", name)
		}
		all[string(name)] = Unquote(text)
	}
	return all, nil
}

// Unquote returns what a string says. An escape that is half a surrogate pair becomes U+FFFD.
func Unquote[T Text](quoted T) string { return string(inside(quoted)) }

// inside is Unquote without a copy if there is nothing to decode.
func inside[T Text](quoted T) T {
	for i := range len(quoted) {
		if quoted[i] == '\\' {
			var text string
			_ = json.Unmarshal([]byte(quoted), &text) // it is valid
			return T(text)
		}
	}
	return quoted[1 : len(quoted)-1]
}

func skipSpace[T Text](text T, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// skipComma goes from the end of a value to the next one, or to the end of its container.
func skipComma[T Text](text T, at int) int {
	at = skipSpace(text, at)
	if text[at] == ',' {
		at = skipSpace(text, at+1)
	}
	return at
}

// valueEnd returns where the value ends that begins at at.
func valueEnd[T Text](text T, at int) int {
	for depth := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			for at++; text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth == 0 {
				return literalEnd(text, at)
			}
			continue
		}
		if depth == 0 {
			return at + 1
		}
	}
	return at
}

// literalEnd returns where the number or word ends that begins at at.
func literalEnd[T Text](text T, at int) int {
	for ; at < len(text); at++ {
		switch text[at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return at
		}
	}
	return at
}

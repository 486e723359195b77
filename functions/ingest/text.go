package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
)

// checkJSON refuses what is not one JSON value in UTF-8, and says where it stops
// being one; line is the number of its first line. Everything else in this file takes
// text that has passed it.
func checkJSON(text []byte, line int) error {
	if !utf8.Valid(text) {
		return realtime.Errorf(realtime.CodeBadRequest, "the text is not UTF-8, from line %d on", line)
	}
	if json.Valid(text) {
		return nil
	}
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return realtime.Errorf(realtime.CodeBadRequest, "the text is not JSON")
	}
	at := min(int(syntax.Offset), len(text))
	line += bytes.Count(text[:at], []byte{'\n'})
	column := at - (bytes.LastIndexByte(text[:at], '\n') + 1)
	return realtime.Errorf(realtime.CodeBadRequest, "the text is not JSON: %v, in line %d, byte %d", syntax, line, column)
}

// cursor walks valid JSON without decoding it. It neither recurses nor allocates.
type cursor struct {
	text []byte
	at   int
}

// space skips white space and returns the byte behind it.
func (c *cursor) space() byte {
	for c.at < len(c.text) {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// value returns the value that begins behind the white space here, as it is written.
func (c *cursor) value() []byte {
	first := c.space()
	start, depth := c.at, 0
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case '"':
			c.skipString()
			if depth == 0 {
				return c.text[start:c.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				c.at++
				return c.text[start:c.at]
			}
			if depth < 0 {
				return c.text[start:c.at] // it ended a number or word
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 && first != '{' && first != '[' {
				return c.text[start:c.at]
			}
		}
		c.at++
	}
	return c.text[start:c.at]
}

// skipString skips the string that begins here.
func (c *cursor) skipString() {
	for c.at++; c.at < len(c.text); c.at++ {
		switch c.text[c.at] {
		case '\\':
			c.at++
		case '"':
			c.at++
			return
		}
	}
}

// elements yields the elements of an array.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c := cursor{text: array, at: bytes.IndexByte(array, '[') + 1}
		for c.space() != ']' {
			if !yield(c.value()) {
				return
			}
			if c.space() == ',' {
				c.at++
			}
		}
	}
}

// members yields the members of an object.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		c := cursor{text: object, at: bytes.IndexByte(object, '{') + 1}
		for c.space() != '}' {
			name := c.value()
			c.space()
			c.at++ // ':'
			if !yield(nameOf(name), c.value()) {
				return
			}
			if c.space() == ',' {
				c.at++
			}
		}
	}
}

// nameOf returns the name of a member without quotes and escapes.
func nameOf(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return []byte(unquote(quoted))
}

// unquote returns what a string says.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	var s string
	_ = json.Unmarshal(text, &s) // it is valid: checkJSON
	return s
}

// appendQuoted appends a string that is UTF-8 without control characters, as
// Publication.Check demands of an ID.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

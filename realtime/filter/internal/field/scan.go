package field

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Take puts the fields that data has into values, which are as many as there are names; what is absent is Missing. Texts share the memory of data and of
// scratch, which is used from its beginning; what is returned is the scratch for the next time, when the texts are no longer in use.
func (f *Set) Take(data []byte, values []Value, scratch []byte) []byte {
	clear(values)
	s := scanner{data: data, buffer: scratch[:0]}
	s.space()
	if s.at < len(s.data) && s.data[s.at] == '{' {
		s.object(&f.root, values)
	}
	return s.buffer
}

// scanner takes declared fields out of JSON in one pass, without decoding the rest. The values are those that encoding/json
// decodes: of members that appear twice the last, U+FFFD for what is not UTF-8 and for half a surrogate pair. Of
// text that is not JSON it takes something or nothing, and never panics.
type scanner struct {
	data   []byte
	at     int
	buffer []byte // of what has escapes; grows and is used again
}

// object reads members into values. It stands at the opening brace, and ends behind the closing one.
func (s *scanner) object(m *member, values []Value) {
	s.at++
	for s.space(); s.at < len(s.data) && s.data[s.at] == '"'; s.space() {
		name := s.text()
		s.space()
		s.at++ // the colon
		s.space()
		if child := m.named(name); child != nil {
			child.clear(values)
			s.member(child, values)
		} else {
			s.skip()
		}
		s.space()
		if s.at >= len(s.data) || s.data[s.at] != ',' {
			break
		}
		s.at++
	}
	s.at++
}

func (m *member) named(name []byte) *member {
	for i := range m.below {
		if m.below[i].name == string(name) {
			return &m.below[i]
		}
	}
	return nil
}

// member reads the value of a declared field, or of what leads to one.
func (s *scanner) member(m *member, values []Value) {
	if s.at >= len(s.data) {
		return
	}
	if m.field >= 0 {
		values[m.field] = Value{Kind: Composite}
	}
	switch c := s.data[s.at]; {
	case c == '{' && len(m.below) > 0:
		s.object(m, values)
	case c == '{' || c == '[' || m.field < 0:
		s.skip()
	default:
		values[m.field] = s.scalar()
	}
}

func (s *scanner) scalar() Value {
	switch s.data[s.at] {
	case '"':
		return TextOf(view(s.text()))
	case 't':
		s.literal()
		return BoolOf(true)
	case 'f':
		s.literal()
		return BoolOf(false)
	case 'n':
		s.literal()
		return Value{Kind: Null}
	}
	begin := s.at
	s.literal()
	f, err := strconv.ParseFloat(view(s.data[begin:s.at]), 64)
	if err != nil { // out of range: nothing that a float64 could be compared with
		return Value{Kind: Composite}
	}
	return NumberOf(f)
}

// text reads a string. What it returns is a part of the data if the string is written as it is.
func (s *scanner) text() []byte {
	s.at++
	begin, plain := s.at, true
	for s.at < len(s.data) && s.data[s.at] != '"' {
		if s.data[s.at] == '\\' {
			plain = false
			s.at++
		}
		s.at++
	}
	raw := s.data[min(begin, len(s.data)):min(s.at, len(s.data))]
	s.at++
	if plain && utf8.Valid(raw) {
		return raw
	}
	from := len(s.buffer)
	s.buffer = appendUnquoted(s.buffer, raw)
	return s.buffer[from:]
}

// appendUnquoted appends what the inside of a string says.
func appendUnquoted(to, raw []byte) []byte {
	for len(raw) > 0 {
		if raw[0] != '\\' {
			r, size := utf8.DecodeRune(raw)
			to, raw = utf8.AppendRune(to, r), raw[size:]
			continue
		}
		if len(raw) < 2 {
			return to
		}
		switch c := raw[1]; c {
		case 'u':
			r, size := unicodeEscape(raw)
			to, raw = utf8.AppendRune(to, r), raw[size:]
			continue
		case 'n':
			to = append(to, '\n')
		case 't':
			to = append(to, '\t')
		case 'r':
			to = append(to, '\r')
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		default:
			to = append(to, c)
		}
		raw = raw[2:]
	}
	return to
}

// unicodeEscape decodes \uXXXX, or a pair of them, at the beginning of raw.
func unicodeEscape(raw []byte) (r rune, size int) {
	first, ok := hex4(raw)
	if !ok {
		return utf8.RuneError, min(6, len(raw))
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if second, ok := hex4(raw[6:]); ok {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(view(raw[2:6]), 16, 32)
	return rune(n), err == nil
}

// literal goes behind a number or a word.
func (s *scanner) literal() {
	end := bytes.IndexAny(s.data[s.at:], ",}] \t\r\n")
	if end < 0 {
		end = len(s.data) - s.at
	}
	s.at += end
}

// skip goes behind a value, however deep it is.
func (s *scanner) skip() {
	for depth := 0; s.at < len(s.data); {
		switch s.data[s.at] {
		case '"':
			s.skipText()
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth <= 0 {
				return
			}
			s.at++
			continue
		default:
			s.literalInside()
		}
		if depth <= 0 {
			return
		}
	}
}

// literalInside is literal that stops at a colon and a quote too, and always moves.
func (s *scanner) literalInside() {
	for s.at++; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n', ':', '"':
			return
		}
	}
}

func (s *scanner) skipText() {
	for s.at++; s.at < len(s.data) && s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// view is b as a string without a copy. Data of a publication is never changed, and the buffer is not before the
// values are forgotten.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // a copy of every text would be garbage
}

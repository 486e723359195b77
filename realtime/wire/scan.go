package wire

import "fmt"

// MaxDepth is how deep the arrays and objects of a payload may be nested. It
// fits the one machine word in which a scanner keeps what it is inside of.
const MaxDepth = 64

// scanner walks JSON text (RFC 8259). It neither recurses nor allocates, so hostile
// text costs what other text of its length does and the stack of a connection's
// reader stays small. It takes the text for UTF-8.
type scanner struct {
	text  []byte
	at    int
	blank int // bytes of white space seen between values
}

// peek returns the next byte, and 0, which begins nothing in JSON, at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// space skips white space and returns the byte behind it.
func (s *scanner) space() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
			s.blank++
		default:
			return c
		}
	}
	return 0
}

// fail says where the text stops being JSON, to be put behind the name of what it is.
func (s *scanner) fail() error {
	if s.at >= len(s.text) {
		return fmt.Errorf("is not valid JSON: it ends too early, at byte %d", len(s.text))
	}
	return fmt.Errorf("is not valid JSON at byte %d", s.at)
}

// value skips one value with all that it holds. No white space may come before it.
func (s *scanner) value() error {
	var arrays uint64 // bit d says that the container at depth d is an array
	depth := 0
	for {
		switch c := s.peek(); c {
		case '{', '[':
			if depth == MaxDepth {
				return fmt.Errorf("is nested deeper than %d levels", MaxDepth)
			}
			s.at++
			arrays &^= 1 << depth
			if c == '[' {
				arrays |= 1 << depth
			}
			depth++
			if s.space() == c+2 { // '}' and ']' are two after '{' and '['
				break // it is empty: its end is read below
			}
			if c == '{' && !s.named() {
				return s.fail()
			}
			continue
		default:
			if !s.scalar(c) {
				return s.fail()
			}
		}
		more, err := s.after(&depth, arrays)
		if !more {
			return err
		}
	}
}

// after reads what follows a value: the ends of containers, and then a comma,
// behind which another value begins.
func (s *scanner) after(depth *int, arrays uint64) (more bool, err error) {
	for *depth > 0 {
		array := arrays>>(*depth-1)&1 == 1
		switch c := s.space(); {
		case c == ',':
			s.at++
			s.space()
			if !array && !s.named() {
				return false, s.fail()
			}
			return true, nil
		case c == ']' && array, c == '}' && !array:
			s.at++
			*depth--
		default:
			return false, s.fail()
		}
	}
	return false, nil
}

// name skips a member's name.
func (s *scanner) name() bool { return s.peek() == '"' && s.str() }

// named skips all that stands before a member's value.
func (s *scanner) named() bool { return s.name() && s.colon() }

// colon skips what stands between a member's name and its value.
func (s *scanner) colon() bool {
	if s.space() != ':' {
		return false
	}
	s.at++
	s.space()
	return true
}

// scalar skips a string, number or literal that begins with c.
func (s *scanner) scalar(c byte) bool {
	switch c {
	case '"':
		return s.str()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

// str skips the string that begins here.
func (s *scanner) str() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c == '\\':
			if s.at++; !s.escape() {
				return false
			}
		case c < 0x20:
			return false
		}
	}
	return false
}

// escape checks the escape behind a backslash and stops at its last byte.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.at++
			if c := s.peek(); (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if s.peek()|0x20 == 'e' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return true
}

// digits skips one digit or more.
func (s *scanner) digits() bool {
	start := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > start
}

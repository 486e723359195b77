package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxMembers bounds the members of a header or of a set of claims; what an
// identity provider sends has some tens.
const maxMembers = 128

// object is a JSON object: valid, UTF-8, nothing after it. Unlike a
// struct filled by encoding/json it takes names to the letter and no
// name twice (RFC 8725 section 2.4 asks for both), at the level that is read.
type object []byte

func parseObject(raw []byte) (object, error) {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
		return nil, refuse(reasonMalformed, "not a JSON object")
	}
	if !utf8.Valid(raw) {
		return nil, refuse(reasonMalformed, "not UTF-8")
	}
	return raw, nil
}

// each calls visit with every member in turn, its value still encoded. Both
// belong to the object.
func (o object) each(visit func(name string, value []byte) error) error {
	var seen [maxMembers]string
	rest := skipSpace(o[1:])
	for n := 0; rest[0] != '}'; n++ {
		if n == maxMembers {
			return refuse(reasonMalformed, "more than %d members", maxMembers)
		}
		if n > 0 {
			rest = skipSpace(rest[1:]) // the comma
		}
		end := valueEnd(rest)
		name, err := stringOf(rest[:end])
		if err != nil {
			return refuse(reasonMalformed, "a member's name: %w", err)
		}
		for _, s := range seen[:n] {
			if s == name {
				return refuse(reasonDuplicate, "%q stands twice", clip(name))
			}
		}
		seen[n] = name
		rest = skipSpace(rest[end:])
		rest = skipSpace(rest[1:]) // the colon
		end = valueEnd(rest)
		if err := visit(name, rest[:end]); err != nil {
			return err
		}
		rest = skipSpace(rest[end:])
	}
	return nil
}

func skipSpace(b []byte) []byte {
	for b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n' {
		b = b[1:]
	}
	return b
}

// valueEnd returns the length of the JSON value b begins with. b is part of a
// valid object, so every string and bracket closes and something follows.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			return i + bytes.IndexAny(b[i:], ",}] \t\r\n")
		}
		if depth == 0 {
			return i + 1
		}
	}
}

var errNotText = errors.New("is not a string")

// stringOf decodes a JSON string, and refuses null and everything else.
func stringOf(value []byte) (string, error) {
	if value[0] != '"' {
		return "", errNotText
	}
	inside := value[1 : len(value)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside), nil
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err
}

// stringsOf decodes an array of at most limit strings. An empty one, or null, is nil.
func stringsOf(value []byte, limit int) ([]string, error) {
	var list []*string // a null in it shows
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, errors.New("is not a list of strings")
	}
	if len(list) > limit {
		return nil, fmt.Errorf("holds %d, the limit is %d", len(list), limit)
	}
	if len(list) == 0 {
		return nil, nil
	}
	texts := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, errors.New("holds null")
		}
		texts[i] = *s
	}
	return texts, nil
}

package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the members of a header or of a set of claims; what an
// identity provider sends has some tens.
const maxMembers = 128

// object is the text of a JSON object: valid, UTF-8, nothing after it. Unlike
// a struct filled by encoding/json it takes names to the letter and no name
// twice, at the level that is read (RFC 7515 section 4, RFC 7519 section 4).
type object string

func parseObject(raw []byte) (object, error) {
	if !json.Valid(raw) {
		return "", refuse(reasonMalformed, "not JSON")
	}
	if !utf8.Valid(raw) {
		return "", refuse(reasonMalformed, "not UTF-8")
	}
	o := skipSpace(string(raw))
	if o[0] != '{' {
		return "", refuse(reasonMalformed, "not a JSON object")
	}
	return object(o), nil
}

// each calls visit with every member in turn, its value still encoded.
func (o object) each(visit func(name, value string) error) error {
	var seen [maxMembers]string
	rest := skipSpace(string(o[1:]))
	for n := 0; rest[0] != '}'; n++ {
		if n == maxMembers {
			return refuse(reasonMalformed, "more than %d members", maxMembers)
		}
		end := valueEnd(rest)
		name, err := unquote(rest[:end])
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
		rest = skipComma(rest[end:])
	}
	return nil
}

// What follows reads parts of a valid object, so every string and bracket
// closes, and at least the object's own bracket follows every value.

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

func skipComma(s string) string { return skipSpace(strings.TrimPrefix(skipSpace(s), ",")) }

// valueEnd returns the length of the JSON value s begins with.
func valueEnd(s string) int {
	depth := 0
	for i := 0; ; i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
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
			return strings.IndexAny(s, ",}] \t\r\n")
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// unquote decodes a JSON string; the result may share the memory of value.
func unquote(value string) (string, error) {
	inside := value[1 : len(value)-1]
	if strings.IndexByte(inside, '\\') < 0 {
		return inside, nil
	}
	var s string
	err := json.Unmarshal([]byte(value), &s)
	return s, err
}

// stringOf decodes a JSON string, and refuses null and everything else. The result is
// a copy, so that a Principal does not keep its whole token in memory.
func stringOf(value string) (string, error) {
	if value[0] != '"' {
		return "", errors.New("is not a string")
	}
	s, err := unquote(value)
	return strings.Clone(s), err
}

// stringsOf decodes an array of at most limit strings; an empty one is nil.
func stringsOf(value string, limit int) (list []string, err error) {
	if value[0] != '[' {
		return nil, errors.New("is not a list of strings")
	}
	for rest := skipSpace(value[1:]); rest[0] != ']'; {
		if len(list) == limit {
			return nil, fmt.Errorf("holds more than %d", limit)
		}
		end := valueEnd(rest)
		s, err := stringOf(rest[:end])
		if err != nil {
			return nil, fmt.Errorf("[%d] %w", len(list), err)
		}
		list = append(list, s)
		rest = skipComma(rest[end:])
	}
	return list, nil
}

package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime/jsontext"
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
	if jsontext.Begins(raw) != '{' {
		return "", refuse(reasonMalformed, "not a JSON object")
	}
	return object(raw), nil
}

// each calls visit with every member in turn, its value still encoded.
func (o object) each(visit func(name, value string) error) error {
	var seen [maxMembers]string
	n := 0
	for name, value := range jsontext.Members(string(o)) {
		if n == maxMembers {
			return refuse(reasonMalformed, "more than %d members", maxMembers)
		}
		if slices.Contains(seen[:n], name) {
			return refuse(reasonDuplicate, "%q appears twice", clip(name))
		}
		seen[n] = name
		n++
		if err := visit(name, value); err != nil {
			return err
		}
	}
	return nil
}

// stringOf decodes a JSON string, and refuses null and everything else. The result is
// a copy, so that a Principal does not keep its whole token in memory.
func stringOf(value string) (string, error) {
	if value[0] != '"' {
		return "", errors.New("is not a string")
	}
	return strings.Clone(jsontext.Unquote(value)), nil
}

// stringsOf decodes an array of at most limit strings; an empty one is nil.
func stringsOf(value string, limit int) (list []string, err error) {
	if value[0] != '[' {
		return nil, errors.New("is not a list of strings")
	}
	for element := range jsontext.Elements(value) {
		if len(list) == limit {
			return nil, fmt.Errorf("contains more than %d", limit)
		}
		s, err := stringOf(element)
		if err != nil {
			return nil, fmt.Errorf("[%d] %w", len(list), err)
		}
		list = append(list, s)
	}
	return list, nil
}

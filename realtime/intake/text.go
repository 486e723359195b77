package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
)

// unmarked returns a text without the byte order mark that may stand before it and is no part of it (RFC 8259, section 8.1).
func unmarked(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// checkJSON refuses what is not one JSON value in UTF-8, and says where it stops
// being one; line is the number of its first line. What has passed it is taken apart by package jsontext.
func checkJSON(text []byte, line int) error {
	if !utf8.Valid(text) {
		return realtime.Errorf(realtime.CodeBadRequest, "the text is not UTF-8, at line %d", line)
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
	return realtime.Errorf(realtime.CodeBadRequest, "the text is not JSON: %v, at line %d, byte %d", syntax, line, column)
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

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// likeJSON is how JSON begins, or a piece of it, or a number in another form. Words begin otherwise.
var likeJSON = regexp.MustCompile(`^(?:[][{}"',:.+0-9-]|(?:true|false|null)\b)`)

// dataOf returns what an argument says as JSON. Words are a string; what begins like JSON and is none is refused, since
// a quote or a bracket that the shell has taken would else be published without a word.
func dataOf(argument string, text bool) (json.RawMessage, error) {
	switch trimmed := strings.TrimSpace(argument); {
	case !utf8.ValidString(argument):
		return nil, usage.Errorf("DATA: must be UTF-8")
	case text:
	case trimmed == "":
		return nil, usage.Errorf(`DATA: must not be empty; '""' is the empty string, and null is no data`)
	case json.Valid([]byte(argument)):
		return json.RawMessage(argument), nil
	case likeJSON.MatchString(trimmed):
		var value any
		return nil, usage.Errorf("DATA: must be JSON, or words: %w; with --text it is sent as a string", explained([]byte(argument), json.Unmarshal([]byte(argument), &value)))
	}
	return json.Marshal(argument)
}

// explained says where a text stops being JSON.
func explained(text []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON at byte %d of %d: %w", syntax.Offset, len(text), err)
	}
	if strings.Contains(err.Error(), "unexpected EOF") {
		return fmt.Errorf("not JSON: it ends too early, after byte %d", len(text))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

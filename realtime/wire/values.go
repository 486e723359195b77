package wire

import (
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// wrong keeps the first error.
func (m *members) wrong(format string, args ...any) {
	if m.err == nil {
		m.err = realtime.Errorf(realtime.CodeBadRequest, format, args...)
	}
}

// has reports whether the member is there and nothing was wrong so far; required ones that are not there are wrong.
func (m *members) has(which member, required bool) bool {
	if m.err == nil && required && m.raw[which] == nil {
		m.wrong("%s: is missing", which)
	}
	return m.err == nil && m.raw[which] != nil
}

// text returns a string, which must not be empty if it is required.
func (m *members) text(which member, required bool) string {
	if !m.has(which, required) {
		return ""
	}
	raw := m.raw[which]
	if raw[0] != '"' {
		m.wrong("%s: must be a string", which)
		return ""
	}
	text := jsontext.Unquote(raw)
	if required && text == "" {
		m.wrong("%s: is empty", which)
	}
	return text
}

// id returns an integer or a string as it is written.
func (m *members) id(required bool) ID {
	if !m.has(memberID, required) {
		return ""
	}
	raw, length := m.raw[memberID], len(m.raw[memberID])
	switch {
	case raw[0] == '"':
		length -= 2
	case !integer(raw):
		m.wrong("id: must be an integer or a string")
		return ""
	}
	if length > MaxIDBytes {
		m.wrong("id: must be at most %d bytes, got %d", MaxIDBytes, length)
		return ""
	}
	return ID(raw)
}

// number returns an integer of at least 0, and whether it is there.
func (m *members) number(which member) (n int64, there bool) {
	if !m.has(which, false) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(m.raw[which]), 10, 64)
	if err != nil || n < 0 {
		m.wrong("%s: must be an integer of at least 0, got %.64s", which, m.raw[which])
		return 0, false
	}
	return n, true
}

// returnedMoment returns a moment that the client gives back, in milliseconds since 1970. Any other value is 0, which
// vouches for nothing.
func (m *members) returnedMoment(which member) int64 {
	if !m.has(which, false) {
		return 0
	}
	ms, err := strconv.ParseUint(string(m.raw[which]), 10, 48)
	if err != nil {
		return 0
	}
	return int64(ms)
}

// returnedPosition returns a position that the client gives back. A value of any form is taken, because a client
// whose storage is damaged would be refused again and again: what is no position is unusable.
func (m *members) returnedPosition(which member) realtime.Position {
	if !m.has(which, false) {
		return realtime.Position{}
	}
	if raw := m.raw[which]; raw[0] == '"' {
		return realtime.ReturnedPosition(jsontext.Unquote(raw))
	}
	return realtime.UnusablePosition()
}

// returnedViews returns the view that a client gives back with a position of a state, or those of the channels of a pattern. As with
// positions, a value of any form is taken.
func returnedViews(m *members, channel string, state bool) (view string, of map[string]string) {
	switch {
	case !m.has(memberView, false):
		return "", nil
	case !state:
		m.wrong("view: belongs to a state; leave it out")
		return "", nil
	case !realtime.IsSelection(channel):
		return returnedView(m.raw[memberView]), nil
	}
	of = map[string]string{}
	if m.raw[memberView][0] != '{' {
		return "", of
	}
	for name, value := range jsontext.Members(m.raw[memberView]) {
		if len(of) == realtime.MaxPatternChannels {
			m.wrong("view: must be at most %d channels", realtime.MaxPatternChannels)
			return "", nil
		}
		of[string(name)] = returnedView(value)
	}
	return "", of
}

func returnedView(raw []byte) string {
	if raw[0] == '"' && len(raw) <= MaxViewBytes+2 {
		return jsontext.Unquote(raw)
	}
	return UnusableView
}

func (m *members) bool(which member, standard bool) bool {
	if !m.has(which, false) {
		return standard
	}
	switch string(m.raw[which]) {
	case "true":
		return true
	case "false":
		return false
	}
	m.wrong("%s: must be true or false", which)
	return false
}

// integer reports whether a valid JSON value is a number without fraction and exponent.
func integer(raw []byte) bool {
	for i, c := range raw {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}
